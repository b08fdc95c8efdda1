package transcript

import (
	"context"
	"io"

	"attache/bridge"
)

// Source is a Chat Server whose transcripts can be read without being a party.
type Source interface {
	Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error
}

// Write writes what the audience may see of the session. It fails with code transcript-unknown
// if there is no session of that id, or its transcript is not kept any more, and nothing is
// written then. After any other error, the document has no end.
func Write(ctx context.Context, w io.Writer, from Source, session string, a Audience) error {
	var out *Encoder
	err := from.Transcript(ctx, session, 0, func(e bridge.Event) error {
		if out == nil {
			// The first event is the session's start, whoever may see it.
			out = NewEncoder(w, Header{Session: session, Started: e.At})
		}
		if seen, ok := a.View(e); ok {
			return out.Encode(Entry{Event: seen})
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case out == nil:
		return bridge.NewError(bridge.CodeTranscript, "")
	}
	return out.Close()
}
