package deliver

import (
	"context"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// deliverer returns the Chat Server if it permits, stores and announces in one call,
// and no loop with another configuration has stored the upload already.
func (j *job) deliverer() proxy.Deliverer {
	if j.record.State == bridge.Stored || j.record.Staged != "" {
		return nil
	}
	d, _ := j.cfg.Chat.(proxy.Deliverer)
	return d
}

// handOver gives the content and its notice to the Chat Server.
func (j *job) handOver(ctx context.Context, to proxy.Deliverer, notice bridge.Event) (bridge.Event, error) {
	d, err := document(j.record)
	if err != nil {
		return bridge.Event{}, err
	}
	content, err := j.cfg.Staging.Staged(ctx, j.record.DocumentID)
	if err != nil {
		return bridge.Event{}, err
	}
	defer content.Close()
	crashPoint("delivering")
	return to.Deliver(ctx, j.record.Session, j.record.UserID, notice, d, content)
}

// announceTime bounds one try to announce; if the content is sent with the notice, it
// includes the time for the content.
func (j *job) announceTime() time.Duration {
	if j.deliverer() == nil {
		return j.cfg.AnnounceTime
	}
	return j.withReadTime(j.cfg.StoreTime) + j.cfg.AnnounceTime
}
