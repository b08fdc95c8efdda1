// Package registry remembers which customers joined their chat sessions through a proxy of
// ours. A Chat Server may vouch for notices of customers that another server registered, such
// as the vendor's GMS; for ours it cannot, because they upload through us, and our own record
// says what they sent (threat T15).
//
//	r, err := registry.Open(ctx, engine, registry.Options{Keep: retention})
//	proxy.New(proxy.Config{Registry: r, …})
//
// A customer is one message of a JetStream stream; its subject has session and user.
package registry

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
	"attache/proxy/engine"
)

const (
	streamName    = "REGISTRY"
	subjectPrefix = "registered."
)

// Options of [Open].
type Options struct {
	// Keep is how long a customer is remembered after its last join: at least as long as its
	// files are kept. Default: 30 days.
	Keep time.Duration
}

// Registry is the shared memory of all proxies on an engine.
type Registry struct {
	engine *engine.Engine
	js     jetstream.JetStream
	stream jetstream.Stream
}

var _ proxy.Registry = (*Registry)(nil)

// Open opens the registry on a running engine, which outlives it.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Registry, error) {
	r := &Registry{engine: e, js: e.JetStream()}
	var err error
	r.stream, err = r.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: customers who joined through a proxy",
		Subjects:          []string{subjectPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            cmp.Or(o.Keep, 30*24*time.Hour),
		AllowDirect:       e.Replicas() == 1, // a replica may lag, and would deny a customer
	})
	if err != nil {
		return nil, fmt.Errorf("open the registry: %w", err)
	}
	return r, nil
}

// A node that has died does not answer, and both operations may be repeated.
var retry = engine.RetryPolicy{Total: 10 * time.Second, PerTry: 2 * time.Second}

// Add remembers the customer.
func (r *Registry) Add(ctx context.Context, session, userID string) error {
	err := r.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		_, err := r.js.Publish(ctx, subject(session, userID), nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("register a customer: %w", err)
	}
	return nil
}

// Has reports whether the customer joined through a proxy.
func (r *Registry) Has(ctx context.Context, session, userID string) (has bool, err error) {
	err = r.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		_, err := r.stream.GetLastMsgForSubject(ctx, subject(session, userID))
		has = err == nil
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for a customer: %w", err)
	}
	return has, nil
}

// subject is a customer's subject. Ids may have characters that a subject may not.
func subject(session, userID string) string {
	return subjectPrefix + hex.EncodeToString([]byte(session)) + "." + hex.EncodeToString([]byte(userID))
}
