package proxy

import (
	"context"
	"io"
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
