package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/backup"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/transcript"
)

// transcriptCommand writes transcripts as XML, also while a proxy runs.
type transcriptCommand struct {
	Session    []string `arg:"" optional:"" help:"ids of chat sessions"`
	Ended      bool     `help:"every session that has ended, instead of those named"`
	Dir        string   `type:"path" help:"directory for a file of each session, SESSION.xml; without it, one session's transcript goes to standard output" placeholder:"DIR"`
	Visibility string   `default:"all" enum:"all,internal,customer" help:"what is in it: all events, what an agent may see (internal), or what a customer may see"`

	Data  string `required:"" xor:"store" type:"path" help:"data directory that has the sessions; the process that uses it may run" placeholder:"DIR"`
	NATS  string `required:"" xor:"store" name:"nats" help:"address of the JetStream cluster that has the sessions" placeholder:"URL"`
	Login string `name:"nats-credentials" type:"path" help:"credentials file for the cluster, if it requires one" placeholder:"FILE"`

	logFlags
}

func (c transcriptCommand) mistakes() (m mistakes) {
	switch {
	case c.Ended && len(c.Session) > 0:
		m.add("--ended is every session that has ended: name none beside it")
	case !c.Ended && len(c.Session) == 0:
		m.add("no session: name one, or give --ended")
	case c.Dir == "" && (c.Ended || len(c.Session) > 1):
		m.add("several transcripts need a directory: name one with --dir")
	}
	for _, session := range c.Session {
		if !bridge.ValidSession(session) {
			m.add("%q is not the id of a session: %s", session, bridge.CodeSessionInvalid.Rule().Hint)
		}
	}
	m.directory("--dir", c.Dir)
	m.file("--nats-credentials", c.Login)
	return m
}

// Run writes the transcripts.
func (c transcriptCommand) Run(s streams) error {
	if err := c.mistakes().err(); err != nil {
		return err
	}
	ctx, done := untilSignal(interrupts())
	defer done()
	from, end, err := c.open(ctx, c.logger(s.log))
	if err != nil {
		return err
	}
	defer end()
	if c.Dir == "" {
		return c.write(ctx, s.out, from, c.Session[0])
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	count := 0
	each := func(session string) error { count++; return c.save(ctx, from, session) }
	if c.Ended {
		err = from.Over(ctx, each)
	} else {
		for _, session := range c.Session {
			err = errors.Join(err, each(session))
		}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "transcripts in %s: %d\n", c.Dir, count)
	return nil
}

// open opens the sessions where they are stored.
func (c transcriptCommand) open(ctx context.Context, log *slog.Logger) (r *chat.Reader, end func(), err error) {
	js, end, err := c.connect(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	r, err = chat.OpenReader(ctx, js)
	if err != nil {
		end()
	}
	if errors.Is(err, chat.ErrNoSessions) {
		err = fmt.Errorf("%w: if its proxy uses a backend, ask the proxy for transcripts, at %s", err, transcript.Path)
	}
	return r, end, err
}

func (c transcriptCommand) connect(ctx context.Context, log *slog.Logger) (jetstream.JetStream, func(), error) {
	if c.Data != "" {
		return backup.Connect(ctx, c.Data, log)
	}
	e, err := openEngine(ctx, engine.Options{URL: c.NATS, Credentials: c.Login, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return e.JetStream(), e.Close, nil
}

// save writes a session's transcript into the directory. A transcript that breaks off leaves no
// file.
func (c transcriptCommand) save(ctx context.Context, from transcript.Source, session string) error {
	f, err := os.CreateTemp(c.Dir, ".partial-") // readable only by its owner
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = errors.Join(c.write(ctx, f, from, session), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(c.Dir, session+".xml"))
}

func (c transcriptCommand) write(ctx context.Context, w io.Writer, from transcript.Source, session string) error {
	if err := transcript.Write(ctx, w, from, session, transcript.Audience(c.Visibility)); err != nil {
		return fmt.Errorf("write the transcript of %s: %w", session, err)
	}
	return nil
}
