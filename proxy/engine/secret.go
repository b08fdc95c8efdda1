package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Secret returns 32 random bytes that every process on this store gets alike
// for that name. They are made by whoever asks first. A question that is never
// answered, as of a node on its way out, is asked again after two seconds.
func (e *Engine) Secret(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		key, err := e.secret(once, name)
		cancel()
		if err == nil {
			return key, nil
		}
		if !e.settling(err) {
			return nil, fmt.Errorf("read the shared secret: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the shared secret: %w", errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (e *Engine) secret(ctx context.Context, name string) ([]byte, error) {
	secrets, err := e.secrets(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := secrets.Get(ctx, name)
	if err == nil {
		return entry.Value(), nil
	}
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	if _, err := secrets.Create(ctx, name, key); err != nil {
		return nil, err
	}
	return key, nil
}

func (e *Engine) secrets(ctx context.Context) (jetstream.KeyValue, error) {
	secrets, err := e.js.KeyValue(ctx, "secrets")
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return secrets, err
	}
	return e.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:   "secrets",
		History:  1,
		Storage:  jetstream.FileStorage,
		Replicas: e.replicas,
	})
}

// settling tells whether the next try may succeed: somebody else was faster,
// which the replica that was asked may not know yet, or a bucket that was just
// made, or whose node died, has no leader.
func (e *Engine) settling(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrBucketExists) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) || e.Passing(err)
}
