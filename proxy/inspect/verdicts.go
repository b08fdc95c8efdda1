package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
	"attache/proxy/engine"
)

const (
	streamName    = "INSPECTIONS"
	verdictPrefix = "verdict."  // then the SHA-256 and the version of the signatures
	leasePrefix   = "scanning." // then the SHA-256
)

// keepUnscannable bounds how long that verdict counts.
const keepUnscannable = 10 * time.Minute

// verdicts are the scanner's verdicts about bytes, and who is scanning which, shared by all
// proxies on an engine.
type verdicts struct {
	engine *engine.Engine
	js     jetstream.JetStream
	stream jetstream.Stream
	keep   time.Duration
	beat   time.Duration // of a lease
}

func openVerdicts(ctx context.Context, e *engine.Engine, keep time.Duration) (*verdicts, error) {
	v := &verdicts{engine: e, js: e.JetStream(), keep: keep, beat: time.Second}
	var err error
	v.stream, err = v.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: verdicts about documents that others stored",
		Subjects:          []string{verdictPrefix + ">", leasePrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            keep,
		AllowDirect:       e.Replicas() == 1, // a replica may lag
	})
	if err != nil {
		return nil, fmt.Errorf("open the verdicts: %w", err)
	}
	return v, nil
}

// A node that has died does not answer.
var retry = engine.RetryPolicy{Total: 10 * time.Second, PerTry: 2 * time.Second}

// find returns the verdict about bytes with that SHA-256 by the signatures of that version;
// Unknown if there is none.
func (v *verdicts) find(ctx context.Context, sum [32]byte, version string) (proxy.Verdict, error) {
	if version == "" {
		return proxy.Unknown, nil
	}
	m, err := v.last(ctx, verdictSubject(sum, version))
	if err != nil || m == nil {
		return proxy.Unknown, err
	}
	keep := v.keep
	verdict := proxy.Verdict(m.Data)
	switch verdict {
	case proxy.Clean, proxy.Infected:
	case proxy.Unscannable:
		keep = min(keep, keepUnscannable)
	default:
		return proxy.Unknown, nil
	}
	if time.Since(m.Time) > keep {
		return proxy.Unknown, nil
	}
	return verdict, nil
}

// add remembers a verdict.
func (v *verdicts) add(ctx context.Context, sum [32]byte, version string, verdict proxy.Verdict) error {
	if version == "" {
		return nil
	}
	return v.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		_, err := v.js.Publish(ctx, verdictSubject(sum, version), []byte(verdict))
		return err
	})
}

// last is the last message of a subject; nil if there is none.
func (v *verdicts) last(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = v.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		m, err = v.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			m = nil
			return nil
		}
		return err
	})
	return m, err
}

func verdictSubject(sum [32]byte, version string) string {
	v := sha256.Sum256([]byte(version))
	return verdictPrefix + hex.EncodeToString(sum[:]) + "." + hex.EncodeToString(v[:16])
}

func leaseSubject(sum [32]byte) string { return leasePrefix + hex.EncodeToString(sum[:]) }
