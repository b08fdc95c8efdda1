package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// reload is something that SIGHUP reloads.
type reload struct {
	what  string // as the log names it
	again func() error
}

// hangups returns the channel of SIGHUP. It must end nothing: a terminal that closes
// sends it, as well as an operator who renewed a certificate. A command that has
// nothing to reload ignores it (see main).
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// reloadAt reloads each of the list at every SIGHUP, until ctx ends. What cannot be
// read stays as it is, and the log says so.
func reloadAt(ctx context.Context, hangups <-chan os.Signal, list []reload, log *slog.Logger) {
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
			if err := r.again(); err != nil {
				log.Error("could not reload, what was read before stays in use", "reload", r.what, "error", err)
				continue
			}
			log.Info("reloaded", "reload", r.what)
		}
	}
}
