package proxy

import (
	"context"
	"io"

	"attache/bridge"
)

// Scanner scans a file before any party can fetch it.
type Scanner interface {
	// Scan reads content to its end, or as far as it must, and returns its verdict.
	// If it returns an error, there is no verdict, whatever the first result is.
	Scan(ctx context.Context, content io.Reader, d Document) (Verdict, error)
}

// Verdict is a scanner's result for a file. Only Clean releases it.
type Verdict string

// The zero value is Unknown, so that no file is released by omission.
const (
	Unknown     Verdict = ""
	Clean       Verdict = "clean"
	Infected    Verdict = "infected"
	Unscannable Verdict = "unscannable" // it cannot look inside: encrypted, too deep, too large
)

// NoScanner is for installations without a scanner: every file is clean, and none is read.
type NoScanner struct{}

// Scan returns Clean.
func (NoScanner) Scan(context.Context, io.Reader, Document) (Verdict, error) { return Clean, nil }

// RejectedError reports that a document is not handed out because of the scanner's verdict,
// Infected or Unscannable. Its code is that verdict's.
type RejectedError struct {
	Verdict Verdict
	Digest  string // SHA-256 in hex of what was scanned; empty if it was too large
}

func (e *RejectedError) Error() string { return e.Unwrap().Error() }

// Unwrap returns what a person may see.
func (e *RejectedError) Unwrap() error {
	rejected := bridge.NewError(bridge.CodeUnscannable, "the virus scanner cannot look inside this file, so it cannot be downloaded")
	if e.Verdict == Infected {
		rejected = bridge.NewError(bridge.CodeInfected, "the virus scanner found something in this file, so it cannot be downloaded")
	}
	rejected.Hint = "ask the sender for another file"
	return rejected
}

// Inspector scans documents that our own delivery has not scanned, and hands out exactly the
// bytes that were scanned. Both methods return an error as soon as ctx ends; the work goes on.
type Inspector interface {
	// Inspect returns the content once it was found clean. Its Document has the SHA-256 of
	// that content. Content with the SHA-256 clean, unless zero, needs no scan. A verdict that
	// rejects it is a [*RejectedError].
	Inspect(ctx context.Context, id string, clean [32]byte) (Content, error)
	// Open returns content that Inspect has returned before, perhaps at another proxy; code
	// document-changed if the store has another one by now.
	Open(ctx context.Context, id string, sum [32]byte) (Content, error)
}
