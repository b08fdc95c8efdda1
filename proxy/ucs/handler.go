package ucs

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"attache/bridge"
	"attache/proxy/guests"
)

// HandlerOptions are the options of [NewHandler].
type HandlerOptions struct {
	// Documents are the documents that are served. Required.
	Documents *Documents
	// Secret is what a client must send: as a bearer token, or as the password of Basic
	// authentication with any user name. How UCS authenticates its clients is unknown; ours are
	// never served to strangers, so a secret or ClientCertificates is required.
	Secret []byte
	// ClientCertificates says that the listener has verified each client's certificate. A request
	// that came without one is refused.
	ClientCertificates bool
	// Base is what the path begins with, UCS's option base-url of section http: /ucs/v1/… follows
	// it. Default: nothing.
	Base string
	// MaxRequests bounds the requests that are served at a time, because each holds a piece of a
	// document in memory. Default: 32.
	MaxRequests int
	Dialect     Dialect
	// Log gets a line for each change and, at level debug, each refused request; nil discards them.
	Log *slog.Logger
}

// Handler serves UCS's HTTP interface.
type Handler struct {
	cfg      HandlerOptions
	digest   [32]byte
	requests chan struct{}
}

// NewHandler returns a handler over documents, which outlive it.
func NewHandler(o HandlerOptions) (*Handler, error) {
	if len(o.Secret) == 0 && !o.ClientCertificates {
		return nil, errors.New("UCS's interface needs a secret or client certificates, because who reaches it can read and change every document")
	}
	o.MaxRequests = cmp.Or(o.MaxRequests, 32)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if base := strings.Trim(o.Base, "/"); base != "" {
		o.Base = "/" + base
	} else {
		o.Base = ""
	}
	return &Handler{cfg: o, digest: sha256.Sum256(o.Secret), requests: make(chan struct{}, o.MaxRequests)}, nil
}

// operation is one method of the interface.
type operation struct {
	verb  string
	serve func(h *Handler, w http.ResponseWriter, r *http.Request) error // nil: it is not served
}

// The documented verbs: POST creates, PUT updates, GET reads, DELETE deletes.
var operations = map[string]map[string]operation{
	serviceDocument: {
		methodAdd:        {http.MethodPost, (*Handler).add},
		methodGet:        {http.MethodGet, (*Handler).get},
		methodUpdate:     {http.MethodPut, (*Handler).update},
		methodRemove:     {http.MethodDelete, (*Handler).remove},
		methodAttachment: {http.MethodGet, (*Handler).get}, // only its name is known
	},
	serviceResponse: {
		// Our library is a directory or the backend's. What would be added or removed here would
		// not be in it, or still be.
		methodAdd2:    {verb: http.MethodPost},
		methodGet2:    {http.MethodGet, (*Handler).get},
		methodRemove2: {verb: http.MethodDelete},
	},
}

// ServeHTTP serves requests of clients that have shown the secret or a certificate.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.known(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ucs"`)
		// UCS has no code for it, because it has no secret.
		h.replyFaultOf(w, UnexpectedError, "this server needs its secret, or a client certificate", "", http.StatusUnauthorized)
		return
	}
	guests.MarkKnown(r.Context())
	if err := h.serve(w, r); err != nil {
		h.replyFault(w, r, err)
	}
}

func (h *Handler) known(r *http.Request) bool {
	if h.cfg.ClientCertificates && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		return false
	}
	if len(h.cfg.Secret) == 0 {
		return true
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, given, ok = r.BasicAuth()
	}
	sum := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(sum[:], h.digest[:]) == 1 && ok
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	rest, ok := strings.CutPrefix(r.URL.Path, h.cfg.Base+pathPrefix)
	service, method, ok2 := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	switch {
	case !ok || !ok2 || operations[service] == nil:
		return &Error{Fault: InvalidServiceName}
	case operations[service][method].verb == "":
		return &Error{Fault: InvalidMethodName}
	}
	one := operations[service][method]
	if r.Method != one.verb || one.serve == nil {
		w.Header().Set("Allow", one.verb)
		return &Error{Fault: MethodNotAllowed}
	}
	select {
	case h.requests <- struct{}{}:
		defer func() { <-h.requests }()
	default:
		return &Error{Fault: ServerOverloaded}
	}
	return one.serve(h, w, r)
}

// reply writes a reply, whose content may be nil.
func (h *Handler) reply(w http.ResponseWriter, out *outgoing, status int) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Length", strconv.FormatInt(out.length(), 10))
	w.WriteHeader(status)
	if _, err := out.WriteTo(w); err != nil {
		// The reply is shorter than it says, so the server closes the connection.
		h.cfg.Log.Debug("a reply was cut", "error", err)
	}
}

func (h *Handler) replyMembers(w http.ResponseWriter, members ...member) error {
	out, err := newOutgoing(h.group(), members, nil, 0, h.cfg.Dialect)
	if err == nil {
		h.reply(w, out, http.StatusOK)
	}
	return err
}

func (h *Handler) group() string {
	if h.cfg.Dialect.Reply == ReplyParameters {
		return groupParameters
	}
	return ""
}

func (h *Handler) replyFault(w http.ResponseWriter, r *http.Request, err error) {
	e := ErrorOf(err)
	h.cfg.Log.Debug("refused", "method", r.Method, "path", r.URL.Path, "fault", e.Fault, "error", err)
	h.replyFaultOf(w, e.Fault, Faults[e.Fault].Message, describe(e), statusOf[e.Fault])
}

// replyFaultOf writes a fault. Where all have HTTP status 200, a missing secret has its own nevertheless.
func (h *Handler) replyFaultOf(w http.ResponseWriter, f Fault, message, text string, status int) {
	members := []member{{memberFaultCode, string(f)}, {memberFaultString, message}, {memberFaultText, text}}
	out, err := newOutgoing("", members, nil, 0, h.cfg.Dialect)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if h.cfg.Dialect.Faults == FaultNested {
		out.before = append(append([]byte(`{"`+groupFault+`":`), out.before...), '}')
	}
	if h.cfg.Dialect.FaultStatus == FaultStatusOK && status != http.StatusUnauthorized {
		status = http.StatusOK
	}
	h.reply(w, out, status)
}

// describe says what a client may learn of an error: never a path of this machine.
func describe(e *Error) string {
	if e.Parameter != "" {
		return e.Parameter
	}
	if known := (*bridge.Error)(nil); errors.As(e.Err, &known) && known.Code != bridge.CodeInternal {
		return known.Message
	}
	if errors.Is(e.Err, errSyntax) || errors.Is(e.Err, errBase64) || errors.Is(e.Err, errTooLarge) {
		return e.Err.Error()
	}
	return ""
}

var statusOf = map[Fault]int{
	MissingParameter:        http.StatusBadRequest,
	IncorrectParameterType:  http.StatusBadRequest,
	IncorrectParameterValue: http.StatusBadRequest,
	ParameterValueTooLong:   http.StatusBadRequest,
	AttributeValueTooLong:   http.StatusBadRequest,
	TwoIncompatible:         http.StatusBadRequest,
	ObjectNotFound:          http.StatusNotFound,
	ObjectAlreadyExist:      http.StatusConflict,
	ConnectionToDbFailed:    http.StatusServiceUnavailable,
	ServerOverloaded:        http.StatusServiceUnavailable,
	TimeoutError:            http.StatusGatewayTimeout,
	UnexpectedError:         http.StatusInternalServerError,
	InvalidServiceName:      http.StatusNotFound,
	InvalidMethodName:       http.StatusNotFound,
	MethodNotAllowed:        http.StatusMethodNotAllowed,
}
