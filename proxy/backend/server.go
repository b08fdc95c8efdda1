package backend

import (
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

// Store is a document store that is given a document's bytes as they come.
type Store interface {
	// Put makes a document of content, which must be d.Size bytes with the
	// digest d.SHA256 (code digest-mismatch), and returns its id, of at most 16
	// characters: d.ID or one of its own. Until it has returned, the document
	// does not exist for Open. Repeating it answers the same id, and with another
	// digest code upload-conflict.
	Put(ctx context.Context, d proxy.Document, content io.Reader) (id string, err error)
	// Open and Remove find a document by the id that Put returned and by the one
	// it was given.
	Open(ctx context.Context, id string) (proxy.Content, error)
	Remove(ctx context.Context, id string) error
}

// Backend is what a backend stands for.
type Backend struct {
	// Where Chat is a [proxy.Allowances], the backend says so.
	Chat      proxy.ChatServer
	Documents Store
	// Secret is what both ends share.
	Secret []byte
	// Version of the software, for people; may be empty.
	Version string
	// Log is told of refused requests; nil drops it.
	Log *slog.Logger
}

// Handler is the backend's end.
type Handler struct {
	Backend
	allowances proxy.Allowances // nil without
	digest     [32]byte         // of the secret: comparing takes the same time for every length
	mux        http.ServeMux
	ctx        context.Context // of the streams
	stop       context.CancelFunc
}

// NewHandler serves b.
func NewHandler(b Backend) (*Handler, error) {
	h := &Handler{Backend: b, digest: sha256.Sum256(b.Secret)}
	if len(b.Secret) == 0 {
		return nil, errors.New("a backend needs a secret: both ends share it")
	}
	h.allowances, _ = b.Chat.(proxy.Allowances)
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.route()
	return h, nil
}

// Close ends the streams of events; their receivers go on with another backend, or
// with the next one here.
func (h *Handler) Close() { h.stop() }

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
	if h.allowances == nil {
		return
	}
	h.handle("GET "+pathLimits, h.limits)
	h.handle("PUT "+pathReserve, h.reserve)
	h.handle("DELETE "+pathReserve, h.release)
	h.handle("PUT "+pathAttempt, h.attempt)
}

func (h *Handler) handle(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
	h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := decodeSegments(r)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			h.refuse(w, r, err)
		}
	})
}

// ServeHTTP answers whoever knows the secret.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	if !ok || subtle.ConstantTimeCompare(sum[:], h.digest[:]) != 1 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="backend"`)
		h.refuse(w, r, bridge.NewError(bridge.CodeTokenInvalid, "the backend does not know this secret"))
		return
	}
	guests.Known(r.Context()) // a proxy has as many connections as it needs
	// The mux would take a slash or dots within an id for steps.
	routed := *r
	routed.URL = &url.URL{Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	h.mux.ServeHTTP(w, &routed)
}

// decodeSegments decodes what stood in the path's braces, once it is routed.
func decodeSegments(r *http.Request) error {
	for _, name := range []string{"session", "user", "file", "key", "id"} {
		id, err := url.PathUnescape(r.PathValue(name))
		if err != nil {
			return bridge.NewError(bridge.CodeMessage, "the path is not percent-encoded UTF-8")
		}
		r.SetPathValue(name, id)
	}
	return nil
}

func (h *Handler) hello(w http.ResponseWriter, _ *http.Request) error {
	features := []string{}
	if h.allowances != nil {
		features = append(features, featureAllowances)
	}
	return answer(w, hello{Versions: []int{version}, Features: features, Server: h.Version})
}

// answer writes what a request came to.
func answer(w http.ResponseWriter, body any) error {
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

// done answers a request that has nothing to tell.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// read takes a request's JSON.
func read(w http.ResponseWriter, r *http.Request, body any) error {
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(in, body)
	}
	if err != nil && bridge.CodeOf(err) == "" {
		return bridge.WrapError(bridge.CodeMessage, err)
	}
	return err
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := bridge.AsError(err)
	h.Log.Debug("refused", "method", r.Method, "path", r.Pattern, "code", e.Code, "error", err)
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status(e.Code))
	w.Write(append(bridge.AppendError(nil, e), '\n'))
}

// status is for whatever lies between; the code in the body is what counts.
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

// writeTime is how long a receiver may take for one piece.
const writeTime = 20 * time.Second
