package gms

import (
	"context"
	"errors"
	"net/http"

	"attache/bridge"
)

// Outcome is how a reply says that a request failed.
type Outcome struct {
	Code   int // of the fault
	Status int // of the envelope
	HTTP   int
	Ended  bool // whether the chat is over for this party
}

// Codes of faults that are known from the vendor's widget and from captures.
const (
	NoFirstName     = 102
	NoLastName      = 103
	NoName          = 161
	TooManyFiles    = 201
	TotalTooLarge   = 202
	TypeRefused     = 203
	TextTooLong     = 204
	CannotStart     = 240
	CannotExecute   = 249 // Chat Server could not do it; and every fault whose code is unknown
	BadEmailAddress = 364
	NotAuthorized   = 401
	SessionNotFound = 404
	InternalError   = 500
	TemporarilyBusy = 503
)

// refusal is an error of this front door itself.
type refusal struct {
	Outcome
	message, hint string
}

func (r *refusal) Error() string { return r.message }

// refuse returns a refusal of one request with an HTTP status, whose number is also the fault's
// code. The chat, if there is one, goes on.
func refuse(status int, message, hint string) error {
	return &refusal{Outcome{Code: status, Status: StatusRetry, HTTP: status}, message, hint}
}

// turnAway returns the refusal of a client that may not have a chat at all.
func turnAway(status int, message, hint string) error {
	return &refusal{Outcome{Code: status, Status: StatusFailed, HTTP: status}, message, hint}
}

func notFound(message, hint string) error { return refuse(http.StatusNotFound, message, hint) }

// missing returns the refusal of a chat that is requested without a name.
func missing(code int, message string) error {
	return &refusal{Outcome{Code: code, Status: StatusFailed, HTTP: http.StatusOK}, message, "send nickname, or firstName and lastName"}
}

// outcomes say how our codes are reported. A refusal by a rule of the chat is answered with
// HTTP 200, because clients read the envelope only then, and with status 1, because status 2
// ends the chat in a widget.
var outcomes = map[bridge.Code]Outcome{
	bridge.CodeFileCount:   {Code: TooManyFiles, Status: StatusRetry, HTTP: http.StatusOK},
	bridge.CodeUploadsOff:  {Code: TooManyFiles, Status: StatusRetry, HTTP: http.StatusOK},
	bridge.CodeTotalSize:   {Code: TotalTooLarge, Status: StatusRetry, HTTP: http.StatusOK},
	bridge.CodeFileType:    {Code: TypeRefused, Status: StatusRetry, HTTP: http.StatusOK},
	bridge.CodeTextLength:  {Code: TextTooLong, Status: StatusRetry, HTTP: http.StatusOK},
	bridge.CodeMailAddress: {Code: BadEmailAddress, Status: StatusFailed, HTTP: http.StatusOK},

	bridge.CodeSessionEnded:   {Code: SessionNotFound, Status: StatusFailed, HTTP: http.StatusOK, Ended: true},
	bridge.CodeLoggedOut:      {Code: SessionNotFound, Status: StatusFailed, HTTP: http.StatusOK, Ended: true},
	bridge.CodeNotJoined:      {Code: SessionNotFound, Status: StatusFailed, HTTP: http.StatusOK, Ended: true},
	bridge.CodeParty:          {Code: SessionNotFound, Status: StatusFailed, HTTP: http.StatusNotFound, Ended: true},
	bridge.CodeSessionInvalid: {Code: SessionNotFound, Status: StatusFailed, HTTP: http.StatusNotFound, Ended: true},
	bridge.CodeSecureKey:      {Code: NotAuthorized, Status: StatusFailed, HTTP: http.StatusUnauthorized},
	bridge.CodeTokenInvalid:   {Code: NotAuthorized, Status: StatusFailed, HTTP: http.StatusUnauthorized},
	bridge.CodeTokenExpired:   {Code: NotAuthorized, Status: StatusFailed, HTTP: http.StatusUnauthorized},
	bridge.CodeTokenEarly:     {Code: NotAuthorized, Status: StatusFailed, HTTP: http.StatusUnauthorized},

	bridge.CodeBusy:               {Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusServiceUnavailable},
	bridge.CodeChatUnavailable:    {Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusServiceUnavailable},
	bridge.CodeStorageFull:        {Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusServiceUnavailable},
	bridge.CodeStorageUnavailable: {Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusServiceUnavailable},
	bridge.CodeTimeout:            {Code: TemporarilyBusy, Status: StatusRetry, HTTP: http.StatusServiceUnavailable},
	bridge.CodeInternal:           {Code: InternalError, Status: StatusRetry, HTTP: http.StatusInternalServerError},
}

// outcome says how err is reported.
func (s *Server) outcome(err error) Outcome {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r.Outcome
	}
	code := coded(err).Code
	o, known := outcomes[code]
	if !known {
		o = Outcome{Code: CannotExecute, Status: StatusRetry, HTTP: http.StatusOK}
	}
	switch code {
	case bridge.CodeFileSize:
		o.Code = s.cfg.CodeFileTooLarge
	case bridge.CodeDownloads:
		o.Code = s.cfg.CodeDownloads
	case bridge.CodeNeedAgent:
		o.Code = s.cfg.CodeNeedAgent
	case bridge.CodeFileUnknown, bridge.CodeDocument:
		o.Code = s.cfg.CodeFileUnknown
	}
	return o
}

// coded returns err with a code. What took longer than it may is temporary, whichever step it was.
func coded(err error) *bridge.Error {
	if bridge.CodeOf(err) == "" && errors.Is(err, context.DeadlineExceeded) {
		return bridge.WrapError(bridge.CodeTimeout, err)
	}
	return bridge.AsError(err)
}

// failed returns the reply to a request that failed, and its HTTP status.
func (s *Server) failed(ctx context.Context, err error) (Reply, int) {
	o := s.outcome(err)
	f := Fault{Code: o.Code}
	if r := (*refusal)(nil); errors.As(err, &r) {
		f.Advice, f.Message = advice(r.message, r.hint), r.message
	} else {
		e := coded(err)
		f.Advice, f.Message = advice(worded(e)), string(e.Code)
		if e.Code == bridge.CodeInternal && ctx.Err() == nil {
			s.cfg.Log.Error("a request of GMS' Chat API failed", "error", err)
		}
	}
	status := o.HTTP
	if s.cfg.AlwaysOK && status != http.StatusForbidden {
		status = http.StatusOK
	}
	return Reply{StatusCode: o.Status, ChatEnded: o.Ended, Errors: []Fault{f}}, status
}

func advice(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + ": " + hint
}
