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

var secretRetry = RetryPolicy{Total: 30 * time.Second, PerTry: 2 * time.Second}

// Secret returns 32 random bytes, the same for every process on this store that asks
// for that name. The first process to ask creates them.
func (e *Engine) Secret(ctx context.Context, name string) (key []byte, err error) {
	err = secretRetry.Do(ctx, e.secretTransient, func(ctx context.Context, _ bool) (err error) {
		key, err = e.secret(ctx, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the shared secret: %w", err)
	}
	return key, nil
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

// secretTransient also covers a race for the creation, which the replica that answered
// may not know of yet, and a bucket without a leader: it was just created, or its node
// has died.
func (e *Engine) secretTransient(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrBucketExists) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) || e.Transient(err)
}
