package backend

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/guests"
)

// Store is a document store that receives a document's bytes as they arrive.
type Store interface {
	// Put stores content as a document. It must be d.Size bytes with the digest
	// d.SHA256 (code digest-mismatch). Put returns the document's id, of at most 16
	// characters: d.ID or one of its own. Before it returns, the document does not
	// exist for Open. A repeated Put returns the same id, or code upload-conflict if
	// the digest differs.
	Put(ctx context.Context, d proxy.Document, content io.Reader) (id string, err error)
	// Open and Remove find a document both by the id that Put returned and by d.ID.
	Open(ctx context.Context, id string) (proxy.Content, error)
	Remove(ctx context.Context, id string) error
}

// Updates changes documents.
type Updates interface {
	// Update replaces the name, the type and the description of the document d.ID, and its bytes
	// unless content is nil: d.Size bytes with the digest d.SHA256 (code digest-mismatch). All of
	// it changes at once. A repeated Update has no second effect.
	Update(ctx context.Context, d proxy.Document, content io.Reader) error
}

// HandlerOptions are the options of [NewHandler].
type HandlerOptions struct {
	// Chat is the Chat Server. If it implements [proxy.Allowances], the backend has the
	// feature "allowances", with [proxy.Transcripts] "transcripts", and with
	// [proxy.Informer] "session-info";
	// a [proxy.Activities] that closes idle sessions gives it "idle-control". Required.
	Chat proxy.ChatServer
	// Vouches gives the backend the feature "vouches": Chat sets [bridge.Event.Vouched] for
	// notices that the server which stored the document posted, of parties that no proxy
	// registered here. Without it, no event is marked.
	Vouches bool
	// Documents is the document store. Required.
	Documents Store
	// Links are those of Documents. If it is set, the backend has the feature "links".
	Links proxy.Links
	// Updates changes Documents. If it is set, the backend has the feature "updates".
	Updates Updates
	// Library is the library of standard responses. If it is set, the backend has the feature
	// "responses".
	Library proxy.Library
	// MaxDocumentSize bounds a document, in bytes; 0: any size.
	MaxDocumentSize int64
	// WithoutFileCommands says that Chat neither deletes files by their notice nor answers
	// file-client-cfg-get.
	WithoutFileCommands bool
	// Secret is the secret that both ends share. Required.
	Secret []byte
	// Version is the software's version, for people; may be empty.
	Version string
	// Log gets refused requests; nil discards them.
	Log *slog.Logger
}

// Handler is the backend's end of the contract.
type Handler struct {
	cfg         HandlerOptions
	allowances  proxy.Allowances  // nil: without
	transcripts proxy.Transcripts // nil: without
	activities  proxy.Activities  // nil: idle sessions are not closed
	live        proxy.LiveLimits  // nil: without
	informer    proxy.Informer    // nil: without
	changes     changes
	unwatch     func()
	digest      [32]byte // of the secret: comparing digests takes the same time for every length
	mux         http.ServeMux
	ctx         context.Context // of the streams
	stop        context.CancelFunc
}

// NewHandler returns a handler that serves the contract.
func NewHandler(o HandlerOptions) (*Handler, error) {
	if len(o.Secret) == 0 {
		return nil, errors.New("a backend needs a secret that both ends share")
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	h := &Handler{cfg: o, digest: sha256.Sum256(o.Secret)}
	h.allowances, _ = o.Chat.(proxy.Allowances)
	h.transcripts, _ = o.Chat.(proxy.Transcripts)
	h.informer, _ = o.Chat.(proxy.Informer)
	if a, ok := o.Chat.(proxy.Activities); ok && a.ClosesIdle() {
		h.activities = a
	}
	h.unwatch = func() {}
	if h.live, _ = o.Chat.(proxy.LiveLimits); h.live != nil {
		h.unwatch = h.changes.watch(h.live)
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.route()
	return h, nil
}

// Close ends the streams of events. Their clients reconnect to another backend, or to
// this one's successor.
func (h *Handler) Close() {
	h.stop()
	h.unwatch()
}

func (h *Handler) route() {
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + pathHello:       h.hello,
		"POST " + pathParties:    h.join,
		"POST " + pathLeave:      h.leave,
		"POST " + pathEvents:     h.post,
		"GET " + pathEvents:      h.events,
		"GET " + pathFile:        h.file,
		"GET " + pathKey:         h.find,
		"PUT " + pathDocument:    h.put,
		"GET " + pathDocument:    h.get, // and HEAD
		"DELETE " + pathDocument: h.remove,
	} {
		h.handle(pattern, serve)
	}
	if h.allowances != nil {
		h.handle("GET "+pathLimits, h.limits)
		h.handle("PUT "+pathReserve, h.reserve)
		h.handle("PATCH "+pathReserve, h.correct)
		h.handle("DELETE "+pathReserve, h.release)
		h.handle("PUT "+pathAttempt, h.attempt)
	}
	if h.cfg.Links != nil {
		h.handle("PUT "+pathLink, h.link)
		h.handle("DELETE "+pathLink, h.unlink)
	}
	if h.activities != nil {
		h.handle("POST "+pathActive, h.active)
	}
	if h.cfg.Library != nil {
		h.handle("GET "+pathResponses, h.findResponses)
		h.handle("GET "+pathResponse, h.response)
	}
	if h.cfg.Updates != nil {
		h.handle("PATCH "+pathDocument, h.update)
	}
	if h.live != nil {
		h.handle("GET "+pathChanges, h.limitChanges)
	}
	if h.transcripts != nil {
		h.handle("GET "+pathRecord, h.transcript)
		h.handle("GET "+pathEnded, h.ended)
	}
}

func (h *Handler) handle(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
	h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := decodeSegments(r)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			h.replyError(w, r, err)
		}
	})
}

// ServeHTTP serves requests that carry the secret.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	if !ok || subtle.ConstantTimeCompare(sum[:], h.digest[:]) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="backend"`)
		h.replyError(w, r, bridge.NewError(bridge.CodeTokenInvalid, "the backend rejects this secret"))
		return
	}
	guests.MarkKnown(r.Context()) // a proxy may have as many connections as it needs
	// The mux would resolve an encoded slash or dots within an id.
	routed := *r
	routed.URL = &url.URL{Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	h.mux.ServeHTTP(w, &routed)
}

// decodeSegments decodes the path's segments after routing.
func decodeSegments(r *http.Request) error {
	for _, name := range []string{"session", "user", "file", "key", "id", "link"} {
		id, err := url.PathUnescape(r.PathValue(name))
		if err != nil {
			return bridge.NewError(bridge.CodeMessage, "the path is not percent-encoded UTF-8")
		}
		r.SetPathValue(name, id)
	}
	return nil
}

func (h *Handler) hello(w http.ResponseWriter, _ *http.Request) error {
	features := []string{featureNotices, featureParties}
	if h.live != nil {
		features = append(features, featureLimitChanges)
	}
	if !h.cfg.WithoutFileCommands {
		features = append(features, featureFileConfig, featureFileDeletion)
	}
	if h.allowances != nil {
		features = append(features, featureAllowances, featureCorrections)
	}
	if h.transcripts != nil {
		features = append(features, featureTranscripts)
	}
	if h.activities != nil {
		features = append(features, featureIdle)
	}
	if h.informer != nil {
		features = append(features, featureInfo)
	}
	if h.cfg.Links != nil {
		features = append(features, featureLinks)
	}
	if h.cfg.Library != nil {
		features = append(features, featureResponses)
	}
	if h.cfg.Updates != nil {
		features = append(features, featureUpdates)
	}
	if h.cfg.Vouches {
		features = append(features, featureVouches)
	}
	return reply(w, hello{Versions: []int{version}, Features: features, Server: h.cfg.Version, MaxDocumentSize: h.cfg.MaxDocumentSize})
}

// sent is an event as the backend sends it.
func (h *Handler) sent(e bridge.Event) *event {
	e.Vouched = e.Vouched && h.cfg.Vouches
	return &event{e}
}

// reply writes a response with a JSON body.
func reply(w http.ResponseWriter, body any) error {
	out, err := json.Marshal(body)
	if err != nil {
		return bridge.AsError(err)
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	w.Write(append(out, '\n'))
	return nil
}

// replyEmpty writes a response without a body, unless err is an error.
func replyEmpty(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// readJSON decodes a request's body.
func readJSON(w http.ResponseWriter, r *http.Request, body any) error {
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(in, body)
	}
	if err != nil && bridge.CodeOf(err) == "" {
		return bridge.WrapError(bridge.CodeMessage, err)
	}
	return err
}

func (h *Handler) replyError(w http.ResponseWriter, r *http.Request, err error) {
	e := bridge.AsError(err)
	h.cfg.Log.Debug("refused", "method", r.Method, "path", r.Pattern, "code", e.Code, "error", err)
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status(e.Code))
	w.Write(append(bridge.AppendError(nil, e), '\n'))
}

// status is the HTTP status for a code. Only intermediaries read it: the proxy reads
// the code in the body. It differs from the one in package proxy (refusal.go) on
// purpose: that one is for
// browsers, to which, for example, 410 means an expired download link.
func status(c bridge.Code) int {
	switch c {
	case bridge.CodeTokenInvalid:
		return http.StatusUnauthorized
	case bridge.CodeMessage, bridge.CodeSessionInvalid, bridge.CodeNotice, bridge.CodeTextLength, bridge.CodeCustomKey:
		return http.StatusBadRequest
	case bridge.CodeDocument, bridge.CodeFileUnknown:
		return http.StatusNotFound
	case bridge.CodeNotJoined, bridge.CodeUploadConflict, bridge.CodeDigest:
		return http.StatusConflict
	case bridge.CodeSessionEnded:
		return http.StatusGone
	case bridge.CodeStorageFull:
		return http.StatusInsufficientStorage
	case bridge.CodeBusy, bridge.CodeStorageUnavailable, bridge.CodeChatUnavailable:
		return http.StatusServiceUnavailable
	case bridge.CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusForbidden
}

// pieceTime is how long a peer may take to send or receive one piece.
const pieceTime = 20 * time.Second
