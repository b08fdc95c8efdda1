package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupts returns the channel of the signals that end a command. From here on
// nothing else ends it: if the reader of its output or log goes away, writing to them
// returns an error, which is ignored, instead of the SIGPIPE that Go would exit on.
func interrupts() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return c
}

// untilSignal returns a context for what has to be waited for at startup; it ends with
// the first signal. started stops listening, so that later signals reach the next reader
// of the channel.
func untilSignal(interrupted <-chan os.Signal) (ctx context.Context, started func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-interrupted:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-done
	}
}

// duplicateWindow is how long after the first signal another one counts as the same:
// timeout(1), npm, and anything that signals a process and then its group deliver one
// request twice.
const duplicateWindow = time.Second

// secondSignal waits for a signal that is not a duplicate of the first.
func secondSignal(interrupted <-chan os.Signal) {
	for first := time.Now(); ; {
		<-interrupted
		if time.Since(first) >= duplicateWindow {
			return
		}
	}
}

// reload is something that SIGHUP reloads.
type reload struct {
	name string // in the log
	run  func() error
}

// hangups returns the channel of SIGHUP, which must not end a command: an operator
// sends it after renewing a certificate, but a terminal that closes sends it, too. A
// command that has
// nothing to reload ignores it (see Main).
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// reloadOn reloads everything in the list at every SIGHUP, until ctx ends. If
// something cannot be read, its previous version stays in use, and that is logged.
func reloadOn(ctx context.Context, hangups <-chan os.Signal, list []reload, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		if len(list) == 0 {
			log.Info("SIGHUP: there is nothing to reload")
		}
		for _, r := range list {
			if err := r.run(); err != nil {
				log.Error("reload failed, the earlier version stays in use", "reload", r.name, "error", err)
				continue
			}
			log.Info("reloaded", "reload", r.name)
		}
	}
}
