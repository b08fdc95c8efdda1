package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logger forwards the server's messages. Notices are about its start and stop, and
// matter only when debugging those. Instead of ending the process, a fatal message is
// stored as the reason. Nothing but the server's log reports a failed write.
type logger struct {
	log       *slog.Logger
	paths     *strings.Replacer // of the handle's path by the directory's
	onFailure func(from *logger, reason string)

	mu     sync.Mutex
	reason string
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(l.format(format, v)) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Warn(l.watched(format, v)) }
func (l *logger) Errorf(format string, v ...any)  { l.log.Error(l.watched(format, v)) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

// failures are how nats-server 2.15 logs failed writes (filestore.go, stream.go,
// jetstream.go), in its words or the system's.
var failures = []string{
	"Critical write error", "failed to store a msg", "disabling JetStream", "will be DISABLED",
	"no space left on device", "disk quota exceeded", "read-only file system", "input/output error",
}

// watched formats a message and reports it if it is about a failed write.
func (l *logger) watched(format string, v []any) string {
	text := l.format(format, v)
	for _, failure := range failures {
		if strings.Contains(text, failure) {
			l.onFailure(l, text)
			break
		}
	}
	return text
}

func (l *logger) format(format string, v []any) string {
	return l.paths.Replace(fmt.Sprintf(format, v...))
}

func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reason = l.format(format, v)
}

func (l *logger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}
