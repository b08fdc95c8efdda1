package transcript

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/guests"
)

// Path is where a [Handler] is served.
const Path = "/attache/transcript"

// HandlerOptions are the options of [NewHandler].
type HandlerOptions struct {
	// Source is the Chat Server. nil: its transcripts cannot be read, and every request is
	// answered with transcript-unknown.
	Source Source
	// Auth reads the tokens. Required.
	Auth proxy.Authenticator
	// Audit gets a line for each transcript before its first byte is sent. Default: none.
	Audit proxy.Audit
	// Streams bounds the transcripts that are sent at the same time. Default: 16.
	Streams int
	// Log gets refused requests and transcripts that broke off. Default: discarded.
	Log *slog.Logger
}

// Handler serves the transcript of a token's session as XML:
//
//	GET /attache/transcript?visibility=customer
//	Authorization: Bearer TOKEN
//
// The token needs one of [bridge.TranscriptRights]. Its party need not be in the session, which
// may have ended. There is no CORS header: a page cannot call it, an application's server can.
type Handler struct {
	cfg   HandlerOptions
	slots chan struct{}
}

// NewHandler returns a handler for GET requests.
func NewHandler(o HandlerOptions) *Handler {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Handler{cfg: o, slots: make(chan struct{}, cmp.Or(o.Streams, 16))}
}

// ServeHTTP sends the transcript as it is read. If it breaks off, so does the response, which a
// client can tell from a whole one.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &response{ResponseWriter: w}
	err := h.serve(out, r)
	switch {
	case err == nil:
	case out.begun:
		h.cfg.Log.Warn("a transcript broke off", "error", err)
		panic(http.ErrAbortHandler)
	default:
		h.replyError(w, err)
	}
}

func (h *Handler) serve(out *response, r *http.Request) error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return bridge.NewError(bridge.CodeTokenInvalid, "send the token in the header Authorization, after the word Bearer")
	}
	who, err := h.cfg.Auth.Authenticate(r.Context(), token)
	if err != nil {
		return err
	}
	audience, err := asked(r)
	if err != nil {
		return err
	}
	if audience, err = Permitted(who, audience); err != nil {
		return err
	}
	guests.MarkKnown(r.Context())
	if h.cfg.Source == nil {
		return bridge.NewError(bridge.CodeTranscript, "the transcripts of this Chat Server cannot be read")
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return bridge.NewError(bridge.CodeBusy, "")
	}
	out.begin = func() error { return h.begin(out.Header(), who, audience) }
	return Write(r.Context(), out, h.cfg.Source, who.Session, audience)
}

// asked returns the audience in the request's query, if it has one.
func asked(r *http.Request) (Audience, error) {
	if !r.URL.Query().Has("visibility") {
		return "", nil
	}
	return ParseAudience(r.URL.Query().Get("visibility"))
}

// begin runs before the first byte.
func (h *Handler) begin(head http.Header, who proxy.Identity, a Audience) error {
	if h.cfg.Audit != nil {
		err := h.cfg.Audit.Write(proxy.AuditRecord{
			Action: proxy.ActionTranscript, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Audience: string(a),
		})
		if err != nil {
			return err
		}
	}
	head.Set("Content-Type", "application/xml; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="`+who.Session+`.xml"`)
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	return nil
}

// response calls begin before its first byte.
type response struct {
	http.ResponseWriter
	begin func() error
	begun bool
}

func (w *response) Write(p []byte) (int, error) {
	if !w.begun {
		if err := w.begin(); err != nil {
			return 0, err
		}
		w.begun = true
	}
	return w.ResponseWriter.Write(p)
}

func (h *Handler) replyError(w http.ResponseWriter, err error) {
	e := bridge.AsError(err)
	h.cfg.Log.Debug("transcript refused", "code", e.Code, "error", err) // anybody may cause these
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	status := status(e.Code)
	if status == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", `Bearer realm="attache"`)
	}
	w.WriteHeader(status)
	w.Write(append(bridge.AppendError(nil, e), '\n'))
}

// status is the HTTP status of a code, for the servers that call.
func status(c bridge.Code) int {
	switch c {
	case bridge.CodeTokenInvalid, bridge.CodeTokenExpired, bridge.CodeTokenEarly:
		return http.StatusUnauthorized
	case bridge.CodeForbidden:
		return http.StatusForbidden
	case bridge.CodeMessage:
		return http.StatusBadRequest
	case bridge.CodeTranscript:
		return http.StatusNotFound
	case bridge.CodeBusy, bridge.CodeChatUnavailable, bridge.CodeStorageUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
