package proxy

import (
	"context"
	"io"
)

// Scanner looks into a file before anybody can have it.
type Scanner interface {
	// Scan reads content to its end, or as far as it must, and judges it. An
	// error says that there is no verdict; what comes with it is not looked at.
	Scan(ctx context.Context, content io.Reader, d Document) (Verdict, error)
}

// Verdict is what a scanner says of a file. Only Clean lets one pass.
type Verdict string

// The verdicts. The zero value is Unknown, so that nothing passes by omission.
const (
	Unknown     Verdict = ""
	Clean       Verdict = "clean"
	Infected    Verdict = "infected"
	Unscannable Verdict = "unscannable" // it cannot look inside: encrypted, too deep, too large
)

// NoScanner is the scanner of who has switched scanning off: it calls every
// file clean and looks at none.
type NoScanner struct{}

// Scan answers Clean.
func (NoScanner) Scan(context.Context, io.Reader, Document) (Verdict, error) { return Clean, nil }
