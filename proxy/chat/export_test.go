package chat

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// OpenOn is Open with a store that a test has changed.
func OpenOn(ctx context.Context, js jetstream.JetStream, o Options) (*Server, error) {
	return open(ctx, js, 1, o)
}
