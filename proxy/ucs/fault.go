// Package ucs has the rules of UCS's requests for documents (Genesys Platform SDK, Contacts
// protocol: RequestAddDocument, RequestGetDocument, RequestUpdateDocument,
// RequestRemoveDocument) over a document store of this project: which parameters they need,
// how long these may be, what a link is, and which fault is the answer. See [Documents].
//
// On top of them it has both ends of UCS 9.1's HTTP interface, the one that is documented: the
// native protocol (ESP) is not public. A [Handler] serves the requests, so that programs which
// use UCS work with our documents:
//
//	h, err := ucs.NewHandler(ucs.HandlerOptions{Documents: ucs.NewDocuments(store, ucs.Options{}), Secret: secret})
//
// and a [Client] is a document store of package proxy in a UCS elsewhere:
//
//	client, err := ucs.NewClient(ucs.ClientOptions{URL: "https://ucs.example:8080", Ledger: ledger, Spool: spool})
//	documents := client.Documents(staging)
//
// A document's content is one string of base64 within JSON. It is read and written as it comes,
// so that a file of any size costs the same memory. What the vendor has not published is a
// [Dialect], whose zero value is our choice.
package ucs

import (
	"context"
	"errors"
	"fmt"

	"attache/bridge"
)

// Fault is a FaultCode of UCS, by its name in the Platform SDK. Their numbers on the wire are not
// published.
type Fault string

const (
	MissingParameter        Fault = "MissingParameter"
	IncorrectParameterType  Fault = "IncorrectParameterType"
	IncorrectParameterValue Fault = "IncorrectParameterValue"
	ParameterValueTooLong   Fault = "ParameterValueTooLong"
	AttributeValueTooLong   Fault = "AttributeValueTooLong"
	TwoIncompatible         Fault = "TwoIncopatibleParameters" // as the SDK spells it
	ObjectNotFound          Fault = "ObjectNotFound"
	ObjectAlreadyExist      Fault = "ObjectAlreadyExist"
	ConnectionToDbFailed    Fault = "ConnectionToDbFailed"
	ServerOverloaded        Fault = "ServerOverloadedRequestRejected"
	TimeoutError            Fault = "TimeoutError"
	UnexpectedError         Fault = "UnexpectedError"
	InvalidServiceName      Fault = "InvalidServiceName"
	InvalidMethodName       Fault = "InvalidMethodName"
	MethodNotAllowed        Fault = "MethodNotAllowed"
)

// Faults is the catalogue: every fault that this package answers with, and what it says. Retry
// says that the same request may succeed later.
var Faults = map[Fault]struct {
	Message string
	Retry   bool
}{
	MissingParameter:        {"a mandatory parameter is missing", false},
	IncorrectParameterType:  {"a parameter or the message has another type than it must have", false},
	IncorrectParameterValue: {"a parameter has a value that it may not have", false},
	ParameterValueTooLong:   {"a parameter is too long", false},
	AttributeValueTooLong:   {"an attribute of the document is too long", false},
	TwoIncompatible:         {"two parameters exclude each other", false},
	ObjectNotFound:          {"the document does not exist", false},
	ObjectAlreadyExist:      {"another document has this id", false},
	ConnectionToDbFailed:    {"the document store is not available", true},
	ServerOverloaded:        {"the document store takes no more now", true},
	TimeoutError:            {"the document store did not answer in time", true},
	UnexpectedError:         {"the document store failed", false},
	InvalidServiceName:      {"there is no service of this name", false},
	InvalidMethodName:       {"the service has no method of this name", false},
	MethodNotAllowed:        {"this server does not serve the method, or not with this verb", false},
}

// Error is the answer to a request that failed (EventError).
type Error struct {
	Fault     Fault
	Parameter string // that the fault is about; may be empty
	Err       error  // the cause; may be nil
}

func (e *Error) Error() string {
	s := string(e.Fault) + ": " + Faults[e.Fault].Message
	if e.Parameter != "" {
		s += ": " + e.Parameter
	}
	if e.Err != nil {
		s = fmt.Sprintf("%s (%v)", s, e.Err)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// faultOfCode says which fault a code of a store becomes.
var faultOfCode = map[bridge.Code]Fault{
	bridge.CodeDocument:           ObjectNotFound,
	bridge.CodeUploadConflict:     ObjectAlreadyExist,
	bridge.CodeNameLength:         AttributeValueTooLong,
	bridge.CodeFileType:           AttributeValueTooLong,
	bridge.CodeFileSize:           IncorrectParameterValue,
	bridge.CodeDigest:             IncorrectParameterValue,
	bridge.CodeSessionInvalid:     IncorrectParameterValue,
	bridge.CodeStorageFull:        ServerOverloaded,
	bridge.CodeBusy:               ServerOverloaded,
	bridge.CodeStorageUnavailable: ConnectionToDbFailed,
	bridge.CodeTimeout:            TimeoutError,
}

// ErrorOf returns the error of a store as UCS would answer it; nil for nil.
func ErrorOf(err error) *Error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Fault: TimeoutError, Err: err}
	}
	if f, ok := faultOfCode[bridge.CodeOf(err)]; ok {
		return &Error{Fault: f, Err: err}
	}
	return &Error{Fault: UnexpectedError, Err: err}
}
