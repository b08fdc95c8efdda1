package inspect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"attache/proxy"
)

// Options are the options of [Open]. The first three are required.
type Options struct {
	Documents proxy.Documents
	Scanner   proxy.Scanner
	// Dir is the spool's directory, which no other process may use: everything in it is
	// removed. It is created.
	Dir string

	// Signatures names the version of the scanner's signatures, and everything else that a
	// verdict depends on. A verdict is remembered for that version only; with an error, not
	// at all. Default: no verdict is remembered.
	Signatures func(context.Context) (string, error)

	// MaxSize is the size, in bytes, of the largest document that the scanner scans: a
	// larger one is unscannable without being read. Default: no limit.
	MaxSize int64

	// MaxBytes bounds the spool, in bytes. What nobody reads makes room; if that is not
	// enough, a document is refused with code busy. Default: 1 GiB.
	MaxBytes int64

	// Reserve is how many bytes of the spool's volume stay free. Default: twice the engine's
	// reserve, where new uploads are refused, too: a tenth, at most 2 GiB.
	Reserve int64

	// MaxInspections bounds the documents that are read and scanned at a time; others wait.
	// Default: 4.
	MaxInspections int

	// Time bounds one inspection, which may take a second more for each 256 KiB. Default:
	// 5 min.
	Time time.Duration

	// Keep is how long a document stays in the spool after its last use: as long as a
	// download may begin. Default: 10 min.
	Keep time.Duration

	// Fresh is how long the outcome of an inspection answers for the document's id. After
	// that, the document is read again, because it may have changed. Default: 10 s.
	Fresh time.Duration

	// KeepVerdicts is how long a verdict counts for the same bytes and signatures: clamd
	// tells of its daily database only, and other databases may change without notice.
	// Unscannable counts for 10 min at most, because it depends on clamd.conf. Default: 24 h.
	KeepVerdicts time.Duration

	// Log gets a line for each inspection; nil discards them.
	Log *slog.Logger
}

func (o *Options) complete() error {
	if o.Documents == nil || o.Scanner == nil || o.Dir == "" {
		return errors.New("an inspector needs Documents, Scanner and Dir")
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<30)
	o.MaxInspections = cmp.Or(o.MaxInspections, 4)
	o.Time = cmp.Or(o.Time, 5*time.Minute)
	o.Keep = cmp.Or(o.Keep, 10*time.Minute)
	o.Fresh = cmp.Or(o.Fresh, 10*time.Second)
	o.KeepVerdicts = cmp.Or(o.KeepVerdicts, 24*time.Hour)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return nil
}
