package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Secret returns 32 random bytes that every process on this store gets alike
// for that name. They are made by whoever asks first.
func (e *Engine) Secret(ctx context.Context, name string) ([]byte, error) {
	key, err := e.secret(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the shared secret: %w", err)
	}
	return key, nil
}

func (e *Engine) secret(ctx context.Context, name string) ([]byte, error) {
	secrets, err := e.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:   "secrets",
		History:  1,
		Storage:  jetstream.FileStorage,
		Replicas: e.replicas,
	})
	if err != nil {
		return nil, err
	}
	for {
		entry, err := secrets.Get(ctx, name)
		if err == nil {
			return entry.Value(), nil
		}
		if !errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil, err
		}
		fresh := make([]byte, 32)
		rand.Read(fresh)
		_, err = secrets.Create(ctx, name, fresh)
		if err == nil {
			return fresh, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, err
		}
		// Somebody was faster, but a replica that lags may not know it yet.
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
