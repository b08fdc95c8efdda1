package limits

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"attache/bridge"
	"attache/proxy"
)

// Path is where the document is read and replaced on the admin address.
const Path = "/attache/admin/limits"

// HandlerOptions are the options of [NewHandler].
type HandlerOptions struct {
	Store  *Store
	Bounds Bounds
	// Backend says that a backend owns the customers' limits, and counts no agents' files: a
	// change of theirs is refused.
	Backend bool
	// Audit gets a line before each change; nil records nothing.
	Audit proxy.Audit
	// Log receives changes and failures; nil drops them.
	Log *slog.Logger
}

// Handler serves GET and PUT of the document.
type Handler struct{ cfg HandlerOptions }

// NewHandler returns a handler for [Path].
func NewHandler(o HandlerOptions) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{o}
}

// Body is the document in a response, and in a request. A request may leave out everything
// but the limits; with a revision it needs no If-Match.
type Body struct {
	Revision uint64          `json:"revision,omitempty"`
	By       string          `json:"by,omitempty"`
	At       time.Time       `json:"at,omitzero"`
	Limits   json.RawMessage `json:"limits"`
}

// Refusal is the body of any other response.
type Refusal struct {
	Errors []Mistake `json:"errors"`
}

// maxBody is far more than the largest document has.
const maxBody = 64 << 10

// refused is an answer other than 200.
type refused struct {
	status   int
	mistakes Mistakes
}

func (r *refused) Error() string { return r.mistakes.Error() }

func refuse(status int, format string, args ...any) error {
	return &refused{status, Mistakes{{Message: fmt.Sprintf(format, args...)}}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var d Document
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		d, err = h.cfg.Store.Read(r.Context())
	case http.MethodPut:
		d, err = h.change(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		err = refuse(http.StatusMethodNotAllowed, "read the limits with GET and replace them with PUT")
	}
	h.reply(w, d, err)
}

// change checks a request, and then writes the audit line and the document.
func (h *Handler) change(w http.ResponseWriter, r *http.Request) (Document, error) {
	if err := checkCaller(r); err != nil {
		return Document{}, err
	}
	body, revision, err := readChange(w, r)
	if err != nil {
		return Document{}, err
	}
	d, err := h.cfg.Store.Read(r.Context())
	if err != nil {
		return d, err
	}
	if revision != 0 && revision != d.Revision {
		return d, stale(d, revision)
	}
	settings, err := h.parse(d.Settings, body.Limits)
	if err != nil {
		return d, err
	}
	by := strings.TrimSpace(r.Header.Get("From"))
	if err := CheckName(by); err != nil {
		return d, refuse(http.StatusBadRequest, "From: %s", err)
	}
	changed := settings.Changed(d.Settings)
	if len(changed) == 0 {
		return d, nil
	}
	audited := h.auditRecord(d, settings, changed, by, r.RemoteAddr)
	if err := h.audit(audited); err != nil {
		return d, err
	}
	after, err := h.cfg.Store.Change(r.Context(), d.Revision, settings, who(by, r.RemoteAddr))
	if err != nil {
		audited.Code = bridge.CodeStorageUnavailable
		if errors.Is(err, ErrChanged) {
			audited.Code = bridge.CodeBusy
			err = stale(after, d.Revision)
		}
		h.audit(audited) // the change that the line before announces has not happened
		return after, err
	}
	for _, o := range changed {
		h.cfg.Log.Info("limit changed", "option", o.Name, "from", o.Value(d.Settings), "to", o.Value(settings), "by", after.By, "revision", after.Revision)
	}
	return after, nil
}

// checkCaller refuses pages, which a browser lets send requests to this address, and other
// machines, because the admin address has no passwords.
func checkCaller(r *http.Request) error {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return refuse(http.StatusForbidden, "a page cannot change the limits: use attache limits, or curl")
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err == nil {
		if ip, parseErr := netip.ParseAddr(host); parseErr != nil || !ip.Unmap().IsLoopback() {
			err = errors.New("not loopback")
		}
	}
	if err != nil {
		return refuse(http.StatusForbidden, "the limits can be changed from the proxy's own machine only, because this address asks for no password: send the request to a loopback address there")
	}
	return nil
}

// readChange returns the request's body and the revision that it is based on; 0: any.
func readChange(w http.ResponseWriter, r *http.Request) (body Body, revision uint64, err error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return body, 0, refuse(http.StatusUnsupportedMediaType, "send the document with Content-Type: application/json")
	}
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return body, 0, refuse(http.StatusRequestEntityTooLarge, "the document is longer than %d bytes, or did not arrive", maxBody)
	}
	in = bytes.TrimPrefix(in, []byte("\ufeff")) // some editors begin a file with it
	if err := json.Unmarshal(in, &body); err != nil {
		return body, 0, refuse(http.StatusBadRequest, "the document is not JSON like GET returns it: %s", err)
	}
	match := r.Header.Get("If-Match")
	switch {
	case match == "*":
		return body, 0, nil
	case match == "" && body.Revision == 0:
		return body, 0, refuse(http.StatusPreconditionRequired, "name the revision that you have changed, in If-Match or in the document, so that no change of another person is lost; If-Match: * replaces any")
	case match == "":
		return body, body.Revision, nil
	}
	revision, err = strconv.ParseUint(strings.Trim(strings.TrimPrefix(match, "W/"), `"`), 10, 64)
	if err != nil || revision == 0 || body.Revision != 0 && body.Revision != revision {
		return body, 0, refuse(http.StatusPreconditionFailed, "If-Match is not the ETag of a response, or the document has another revision")
	}
	return body, revision, nil
}

// parse returns the settings of a request, which names every option that it may change.
func (h *Handler) parse(now Settings, in []byte) (Settings, error) {
	settings := now
	given, mistakes := settings.decode(in)
	var owned []string
	named := map[string]bool{}
	for _, o := range given {
		named[o.Name] = true
		if h.cfg.Backend && o.backends() {
			owned = append(owned, o.Name)
		}
	}
	readable := true
	for _, m := range mistakes {
		named[m.Option] = true
		readable = readable && m.Option != ""
	}
	for _, o := range Options {
		if readable && !named[o.Name] && !(h.cfg.Backend && o.backends()) {
			mistakes.add(o.Name, "it is missing: the document has all options, as GET returns them")
		}
	}
	if len(owned) > 0 {
		return now, refuse(http.StatusConflict, "the backend owns %s: change them there", strings.Join(owned, ", "))
	}
	if mistakes = append(mistakes, settings.Check(h.cfg.Bounds)...); len(mistakes) > 0 {
		return now, &refused{http.StatusUnprocessableEntity, mistakes}
	}
	return settings, nil
}

// backends reports whether a backend owns the option: the customers' allowances, and those of
// agents that need a count in the session.
func (o Option) backends() bool {
	return o.Customers || o.Name == "agent-max-files" || o.Name == "agent-max-total-size"
}

// CheckName refuses what the audit log does not record as the name of the person who makes a
// change.
func CheckName(by string) error {
	if len(by) > 256 || bridge.XMLText(by) != by || strings.ContainsFunc(by, unicode.IsControl) {
		return errors.New("a name has at most 256 bytes of text, without line ends, tabs and other control characters")
	}
	return nil
}

func who(by, address string) string {
	if by == "" {
		return address
	}
	return by
}

func (h *Handler) auditRecord(d Document, to Settings, changed []Option, by, address string) proxy.AuditRecord {
	words := make([]string, len(changed))
	for i, o := range changed {
		words[i] = o.Name + "=" + strconv.Quote(o.Value(d.Settings)) + ">" + strconv.Quote(o.Value(to))
	}
	return proxy.AuditRecord{Action: proxy.ActionLimits, Conn: address, By: by, Change: strings.Join(words, " ")}
}

func (h *Handler) audit(r proxy.AuditRecord) error {
	if h.cfg.Audit == nil {
		return nil
	}
	return h.cfg.Audit.Write(r)
}

func stale(d Document, revision uint64) error {
	return refuse(http.StatusPreconditionFailed, "the limits were changed since revision %d, by %s: the revision is %d now; read them again", revision, d.By, d.Revision)
}

func (h *Handler) reply(w http.ResponseWriter, d Document, err error) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	if d.Revision != 0 {
		head.Set("ETag", strconv.Quote(strconv.FormatUint(d.Revision, 10)))
	}
	if err != nil {
		h.replyError(w, err)
		return
	}
	limits, err := h.shown(d.Settings)
	if err != nil {
		h.replyError(w, err)
		return
	}
	write(w, Body{d.Revision, d.By, d.At.UTC(), limits})
}

// shown leaves off what a backend owns.
func (h *Handler) shown(s Settings) (json.RawMessage, error) {
	if !h.cfg.Backend {
		return json.Marshal(s)
	}
	s, own := s.canonical(), map[string]any{}
	for _, o := range Options {
		if !o.backends() {
			own[o.Name] = o.value(&s)
		}
	}
	return json.Marshal(own)
}

func (h *Handler) replyError(w http.ResponseWriter, err error) {
	var r *refused
	if !errors.As(err, &r) {
		h.cfg.Log.Error("the limits cannot be read or changed", "error", err)
		r = &refused{http.StatusServiceUnavailable, Mistakes{{Message: "the limits cannot be read or changed at the moment: " + bridge.AsError(err).Message}}}
		if errors.Is(err, context.Canceled) {
			return
		}
	}
	w.WriteHeader(r.status)
	write(w, Refusal{r.mistakes})
}

func write(w http.ResponseWriter, body any) {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.Encode(body)
}
