package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Some streams hold only the newest message of each subject: an upload's record, a seat. The
// engine sends such a stream's snapshot message by message, up to the one that was the last
// when it began. A message that is replaced before it is sent is therefore missing, and so is
// its successor, which comes after the last. So the newest message of each subject that the
// snapshot does not have is copied too.
const laterFile = "later.jsonl"

// message is a message that is not in a snapshot.
type message struct {
	Subject string      `json:"subject"`
	Header  nats.Header `json:"header,omitempty"`
	Data    []byte      `json:"data"`
}

// absent returns the newest message of each subject that the stream has now and that is not in
// its snapshot in dir.
func (s *source) absent(ctx context.Context, name, dir string) (list []message, err error) {
	has := map[string]bool{}
	err = readSnapshot(dir, func(subject string, _ []byte) error {
		has[subject] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	stream, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("list the newest messages of %s: %w", name, err)
	}
	now, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, fmt.Errorf("list the newest messages of %s: %w", name, err)
	}
	for subject := range now.State.Subjects {
		if has[subject] {
			continue
		}
		m, ok, err := newestMessage(ctx, stream, subject)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, m)
		}
	}
	return list, nil
}

// newestMessage returns a subject's message; ok is false if it has none any more.
func newestMessage(ctx context.Context, stream jetstream.Stream, subject string) (_ message, ok bool, err error) {
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return message{}, false, nil
	}
	if err != nil {
		return message{}, false, fmt.Errorf("copy the newest message of %s: %w", subject, err)
	}
	return message{m.Subject, ownHeader(m.Header), m.Data}, true, nil
}

// ownHeader returns a message's header without what it meant to the engine: conditions that
// were compared when it was stored, and what the engine adds when it is read.
func ownHeader(h nats.Header) nats.Header {
	own := nats.Header{}
	for name, values := range h {
		if !strings.HasPrefix(name, "Nats-") {
			own[name] = values
		}
	}
	if len(own) == 0 {
		return nil
	}
	return own
}

// writeLater writes messages to a stream's directory.
func writeLater(dir string, messages []message) error {
	if len(messages) == 0 {
		return nil
	}
	return createFile(filepath.Join(dir, laterFile), func(w io.Writer) error {
		out := json.NewEncoder(w)
		for _, m := range messages {
			if err := out.Encode(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// readLater calls each for the messages that writeLater wrote.
func readLater(dir string, each func(message) error) error {
	f, err := os.Open(filepath.Join(dir, laterFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for in := json.NewDecoder(bufio.NewReader(f)); ; {
		var m message
		err := in.Decode(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if err := each(m); err != nil {
			return err
		}
	}
}

// restoreLater publishes the messages that are not in the snapshot; each replaces what is.
func (s *source) restoreLater(ctx context.Context, name, dir string) error {
	err := readLater(dir, func(m message) error {
		_, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}, jetstream.WithExpectStream(name))
		return err
	})
	if err != nil {
		return fmt.Errorf("restore the newest messages of %s: %w", name, err)
	}
	return nil
}
