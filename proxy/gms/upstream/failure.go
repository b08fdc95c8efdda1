package upstream

import (
	"errors"
	"fmt"
	"net/http"

	"attache/bridge"
	"attache/proxy/gms"
)

// failure is a request that was not answered with success.
type failure struct {
	reason *bridge.Error
	// Unclear says that GMS may have done what was asked, or may still do it.
	Unclear bool
	// Again says that GMS did not do it, and may if it is asked again (statusCode 1).
	Again bool
	// Late says that GMS has answered so itself. It may have asked Chat Server before it gave up,
	// and an upload may still be scanned: the transcript is read before it is asked again.
	Late bool
	// Over says that the chat may be over: statusCode 2, or chatEnded.
	Over bool
	// Unknown says that there is no such operation at that address.
	Unknown bool
}

func (f *failure) Error() string { return f.reason.Error() }

func (f *failure) Unwrap() error { return f.reason }

func asFailure(err error) *failure {
	f, _ := errors.AsType[*failure](err)
	return f
}

// unclear is the failure of a request whose outcome nobody knows.
func unclear(code bridge.Code, cause error) *failure {
	return &failure{reason: bridge.WrapError(code, cause), Unclear: true}
}

// undone is the failure of a request that never came to GMS, or was refused before it.
func undone(code bridge.Code, cause error) *failure {
	return &failure{reason: bridge.WrapError(code, cause), Again: true}
}

// again makes the failure one that is worth another try.
func (f *failure) again(code bridge.Code) {
	f.reason, f.Again, f.Over = bridge.WrapError(code, f.reason), true, false
}

// faultCodes are our codes for those of the vendor's widget.
var faultCodes = map[int]bridge.Code{
	gms.NoFirstName: bridge.CodeMessage, gms.NoLastName: bridge.CodeMessage, gms.NoName: bridge.CodeMessage,
	gms.TooManyFiles: bridge.CodeFileCount, gms.TotalTooLarge: bridge.CodeTotalSize, gms.TypeRefused: bridge.CodeFileType,
	gms.TextTooLong: bridge.CodeTextLength, gms.CannotStart: bridge.CodeChatUnavailable, gms.CannotExecute: bridge.CodeChatUnavailable,
	gms.BadEmailAddress: bridge.CodeMailAddress, gms.NotAuthorized: bridge.CodeSecureKey, gms.SessionNotFound: bridge.CodeSessionEnded,
	gms.InternalError: bridge.CodeChatUnavailable, gms.TemporarilyBusy: bridge.CodeBusy,
	http.StatusBadRequest: bridge.CodeMessage, http.StatusRequestEntityTooLarge: bridge.CodeMessage, http.StatusUnsupportedMediaType: bridge.CodeMessage,
}

// codeOf returns our code for a fault. Another Attaché that plays GMS names it itself.
func (u Unknowns) codeOf(f gms.Fault) bridge.Code {
	for number, code := range map[int]bridge.Code{
		u.FileTooLarge: bridge.CodeFileSize, u.AttemptsUsed: bridge.CodeDownloads, u.NeedAgent: bridge.CodeNeedAgent, u.UnknownFile: bridge.CodeFileUnknown,
	} {
		if number != 0 && number == f.Code {
			return code
		}
	}
	if named := bridge.Code(f.Message); f.Message != "" && named.Rule().Code == named {
		return named
	}
	if code, ok := faultCodes[f.Code]; ok {
		return code
	}
	return bridge.CodeChatUnavailable
}

// refused is the failure that an envelope reports. Of one whose statusCode is not 0 only
// chatEnded and errors count (documented).
func (u Unknowns) refused(r gms.Reply) *failure {
	code, advice := bridge.CodeChatUnavailable, ""
	if len(r.Errors) > 0 {
		code, advice = u.codeOf(r.Errors[0]), r.Errors[0].Advice
	}
	e := bridge.NewError(code, "")
	e.Err = fmt.Errorf("GMS answered statusCode %d, errors %v %s", r.StatusCode, faultNumbers(r.Errors), bridge.Preview(advice))
	f := &failure{reason: e}
	switch {
	case r.StatusCode == gms.StatusRetry && (e.Retry || len(r.Errors) == 0):
		f.Again, f.Late = true, true
	case r.StatusCode == gms.StatusRetry: // of a rule that no retry changes
	default:
		f.Over = true
		e.Retry = false
	}
	return f
}

func faultNumbers(faults []gms.Fault) (numbers []int) {
	for _, f := range faults {
		numbers = append(numbers, f.Code)
	}
	return numbers
}

// answered is the failure of a response without an envelope: it comes from something in
// between, such as a reverse proxy's page in HTML.
func answered(status int, upload bool) *failure {
	cause := fmt.Errorf("something between here and GMS answered HTTP %d", status)
	switch {
	case upload && status == http.StatusRequestEntityTooLarge:
		return &failure{reason: bridge.WrapError(bridge.CodeFileSize, cause)}
	case status == http.StatusTooManyRequests:
		return undone(bridge.CodeBusy, cause)
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		f := undone(bridge.CodeChatUnavailable, cause)
		f.Unknown = true
		return f
	case status/100 == 3 || status/100 == 4 && status != http.StatusRequestTimeout:
		return undone(bridge.CodeChatUnavailable, cause) // it was not passed on
	}
	return unclear(bridge.CodeChatUnavailable, cause)
}
