package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The files of one stream are those that the nats command writes and reads.
const (
	configFile  = "backup.json"
	archiveFile = "stream.arc.s2"
)

// answerTime is how long the engine may take to answer or to send the next piece.
const answerTime = 30 * time.Second

// window is how many bytes of a snapshot are sent before they are acknowledged.
const window = 1 << 20

// restorePiece is how many bytes of a snapshot are sent to the engine at a time.
const restorePiece = 512 << 10

// stream is one stream's configuration and state, as the engine wrote them.
type stream struct {
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// snapshot copies a stream and its consumers into dir. Messages that come later are not in it.
// The engine ends one whose pieces are acknowledged late, as on a machine that is busy with
// something else; then it is copied again.
func (s *source) snapshot(ctx context.Context, name, dir string) error {
	for try := 1; ; try++ {
		err := s.writeSnapshot(ctx, name, dir)
		if err == nil {
			return nil
		}
		if try == snapshotTries || !errors.Is(err, errInterrupted) {
			return fmt.Errorf("copy the stream %s: %w", name, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("copy the stream %s again: %w", name, err)
		}
	}
}

const snapshotTries = 5

var errInterrupted = errors.New("the engine interrupted the snapshot")

func (s *source) writeSnapshot(ctx context.Context, name, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	inbox := s.conn.NewInbox()
	pieces, err := s.conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer pieces.Unsubscribe()
	var answer struct {
		stream
		Error *jetstream.APIError `json:"error"`
	}
	request, err := json.Marshal(map[string]any{"deliver_subject": inbox, "window_size": window})
	if err != nil {
		return err
	}
	if err := s.ask(ctx, "$JS.API.STREAM.SNAPSHOT."+name, request, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	about, err := json.Marshal(answer.stream)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, configFile), about); err != nil {
		return err
	}
	return createFile(filepath.Join(dir, archiveFile), func(w io.Writer) error { return s.receive(ctx, pieces, w) })
}

// receive writes the pieces of a snapshot. Each is acknowledged, and the one without bytes is
// the last; its header says whether the snapshot is whole.
func (s *source) receive(ctx context.Context, pieces *nats.Subscription, w io.Writer) error {
	for {
		m, err := next(ctx, pieces)
		if err != nil {
			return err
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return fmt.Errorf("%w: %s %s", errInterrupted, status, m.Header.Get("Description"))
			}
			return nil
		}
		s.onPiece()
		if _, err := w.Write(m.Data); err != nil {
			return err
		}
		if m.Reply == "" {
			continue
		}
		if err := s.conn.Publish(m.Reply, nil); err != nil {
			return err
		}
	}
}

func next(ctx context.Context, pieces *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return pieces.NextMsgWithContext(ctx)
}

// ask makes one request and decodes the answer, which may be empty.
func (s *source) ask(ctx context.Context, subject string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	m, err := s.conn.RequestWithContext(ctx, subject, body)
	if err != nil {
		return err
	}
	if len(m.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(m.Data, answer); err != nil {
		return fmt.Errorf("read the engine's answer: %w", err)
	}
	return nil
}

// restore makes a stream of a snapshot.
func (s *source) restore(ctx context.Context, name, dir string) error {
	if err := s.sendSnapshot(ctx, name, dir); err != nil {
		return fmt.Errorf("restore the stream %s: %w", name, err)
	}
	return nil
}

func (s *source) sendSnapshot(ctx context.Context, name, dir string) error {
	about, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(dir, archiveFile))
	if err != nil {
		return err
	}
	defer f.Close()
	var answer struct {
		Subject string              `json:"deliver_subject"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := s.ask(ctx, "$JS.API.STREAM.RESTORE."+name, about, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	for piece := make([]byte, restorePiece); ; {
		n, err := io.ReadFull(f, piece)
		if n == 0 && !errors.Is(err, io.EOF) {
			return err
		}
		// The empty piece after the last one is answered when the stream exists.
		if err := s.ask(ctx, answer.Subject, piece[:n], &answer); err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		if n == 0 {
			return nil
		}
	}
}

// readSnapshot calls each for every message of a snapshot, in order. It fails if the
// snapshot is not whole.
func readSnapshot(dir string, each func(subject string, data []byte) error) error {
	f, err := os.Open(filepath.Join(dir, archiveFile))
	if err != nil {
		return err
	}
	defer f.Close()
	in := archive.NewReader(s2.NewReader(bufio.NewReader(f)))
	for {
		h, err := in.Next()
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if h.Sequence == 0 && h.Name == "" {
			return nil // the end
		}
		if h.Sequence == 0 {
			continue // the state, or a consumer's
		}
		if _, err := io.CopyN(io.Discard, in, h.HeaderSize); err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if err := each(h.Name, data); err != nil {
			return err
		}
	}
}
