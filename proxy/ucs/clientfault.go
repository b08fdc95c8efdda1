package ucs

import (
	"errors"
	"fmt"
	"net"

	"attache/bridge"
)

// numbered are the faults that a list of an old release numbers (observed in a public program).
// Their numbers in JSON, if a release has any, are unknown.
var numbered = map[string]Fault{
	"10": MissingParameter, "15": ParameterValueTooLong, "17": AttributeValueTooLong, "20": ObjectNotFound,
	"27": "FatalError", "45": ServerOverloaded, "48": TimeoutError,
}

// codeOfFault is the code of a fault; every other is storage-unavailable.
var codeOfFault = map[Fault]bridge.Code{
	ObjectNotFound:         bridge.CodeDocument,
	"UnableToFindDocument": bridge.CodeDocument,
	"InvalidObjectId":      bridge.CodeDocument,
	ServerOverloaded:       bridge.CodeBusy,
	AttributeValueTooLong:  bridge.CodeNameLength,
}

// hopeless are faults that the same request will have again.
var hopeless = map[Fault]bool{
	MissingParameter: true, IncorrectParameterType: true, IncorrectParameterValue: true, ParameterValueTooLong: true, TwoIncompatible: true,
}

// faultError is the error of a fault that UCS answered with.
func faultError(code value, m message) error {
	fault := Fault(code.text)
	if name, ok := numbered[code.text]; ok {
		fault = name
	}
	cause := fmt.Errorf("UCS answered %s: %s %s", fault, m.get(memberFaultString).text, m.get(memberFaultText).text)
	if code, ok := codeOfFault[fault]; ok {
		return bridge.WrapError(code, cause)
	}
	if fault == TimeoutError || fault == UnexpectedError || fault == "FatalError" {
		cause = errors.Join(errUnclear, cause)
	}
	e := bridge.WrapError(bridge.CodeStorageUnavailable, cause)
	e.Retry = !hopeless[fault]
	return e
}

// dialFailed reports whether the request was not sent at all.
func dialFailed(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "dial"
}
