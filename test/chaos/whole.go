package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// wholeTime bounds how long the nodes take to catch up.
const wholeTime = time.Minute

// whole waits until each stream and each queue has a leader and no replica lags.
// Only then is the next process to die the only one that is missing.
func whole(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	for {
		err := wholeNow(ctx, js)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not whole: %w", err)
		}
	}
}

func wholeNow(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	streams := js.ListStreams(ctx)
	count := 0
	for info := range streams.Info() {
		if err := groupWhole(info.Config.Name, info.Cluster); err != nil {
			return err
		}
		if err := consumersWhole(ctx, js, info.Config.Name); err != nil {
			return err
		}
		count++
	}
	if err := streams.Err(); err != nil {
		return err
	}
	if count == 0 {
		return errors.New("there are no streams")
	}
	return nil
}

func consumersWhole(ctx context.Context, js jetstream.JetStream, name string) error {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable == "" {
			continue // a watcher's consumer, which the proxy creates again
		}
		if err := groupWhole(name+" > "+info.Name, info.Cluster); err != nil {
			return err
		}
	}
	return consumers.Err()
}

func groupWhole(name string, group *jetstream.ClusterInfo) error {
	if group == nil || group.Leader == "" {
		return fmt.Errorf("%s has no leader", name)
	}
	if len(group.Replicas) != 2 {
		return fmt.Errorf("%s has %d followers", name, len(group.Replicas))
	}
	for _, r := range group.Replicas {
		if r.Offline || !r.Current {
			return fmt.Errorf("%s lags at %s", name, r.Name)
		}
	}
	return nil
}

// observe connects to any living node, as an operator does.
func observe(urls string) (jetstream.JetStream, error) {
	conn, err := nats.Connect(urls, nats.Name("chaos"), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return jetstream.New(conn)
}
