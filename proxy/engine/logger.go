package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logger hands the server's own messages on. Its notices are about its start
// and stop, which is news only to who debugs them. Where it would end the
// process, it says why and goes on; that reason is kept. That a write has failed
// the server tells nobody but its log.
type logger struct {
	log    *slog.Logger
	failed func(voice *logger, reason string)

	mu     sync.Mutex
	reason string
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Warn(l.heard(format, v)) }
func (l *logger) Errorf(format string, v ...any)  { l.log.Error(l.heard(format, v)) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

// failures are what nats-server 2.15 says of writes that failed (filestore.go,
// stream.go, jetstream.go), in its words or the system's.
var failures = []string{
	"Critical write error", "failed to store a msg", "disabling JetStream", "will be DISABLED",
	"no space left on device", "disk quota exceeded", "read-only file system", "input/output error",
}

func (l *logger) heard(format string, v []any) string {
	text := fmt.Sprintf(format, v...)
	for _, failure := range failures {
		if strings.Contains(text, failure) {
			l.failed(l, text)
			break
		}
	}
	return text
}

func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reason = fmt.Sprintf(format, v...)
}

func (l *logger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}
