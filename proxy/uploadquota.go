package proxy

import (
	"strconv"
	"sync"

	"attache/bridge"
)

// uploadQuotas bound how many unfinished uploads a party may have, and how many may fail
// or be cancelled, because each costs disk space, whatever an allowance says. The records
// know them; the ones counted here are those whose record is still being written.
type uploadQuotas struct {
	transfers *Transfers

	mu    sync.Mutex
	begun map[string]Load // by seat
}

// acquire counts an upload in until release is called, once it has a record or failed to
// get one: code busy if the party has too many.
func (q *uploadQuotas) acquire(who Identity, limits bridge.Limits, size int64) (release func(), err error) {
	kept, ok := q.transfers.cfg.Records.(Loads)
	if !ok {
		return func() {}, nil
	}
	files, bytes, lost := q.transfers.uploadQuota(who, limits)
	q.mu.Lock()
	defer q.mu.Unlock()
	have, mine := kept.Load(who.Session, who.Party.UserID), q.begun[who.seat()]
	have.Files += mine.Files
	have.Bytes = min(have.Bytes+mine.Bytes, bridge.MaxInteger)
	switch {
	case have.Files >= files:
		return nil, bridge.NewError(bridge.CodeBusy, "this party has "+strconv.Itoa(have.Files)+" unfinished uploads, the most it may have")
	case have.Bytes > 0 && size > bytes-have.Bytes:
		return nil, bridge.NewError(bridge.CodeBusy, "this party's unfinished uploads, with those that it has just cancelled, may have "+bridge.Bytes(bytes)+" in all")
	case have.Lost >= lost:
		return nil, bridge.NewError(bridge.CodeBusy, "too many uploads of this party have failed or been cancelled lately")
	}
	mine.Files++
	mine.Bytes += size
	q.begun[who.seat()] = mine
	return sync.OnceFunc(func() { q.release(who.seat(), size) }), nil
}

func (q *uploadQuotas) release(seat string, size int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	of := q.begun[seat]
	of.Files--
	of.Bytes -= size
	if of.Files == 0 {
		delete(q.begun, seat)
		return
	}
	q.begun[seat] = of
}

// uploadQuota returns how many files, bytes and lost uploads the party may have. A
// cancelled upload leaves the disk a little later; together with the others it must not
// exceed the customer's total size.
func (t *Transfers) uploadQuota(who Identity, limits bridge.Limits) (files int, bytes int64, lost int) {
	if who.customer() {
		bytes = t.cfg.MaxUnfinishedBytes
		if limits.MaxTotalSize != bridge.NoLimit && limits.MaxTotalSize < bytes/2 {
			bytes = 2 * limits.MaxTotalSize
		}
		return t.cfg.MaxUnfinished, bytes, t.cfg.MaxLost
	}
	return agentFactor * t.cfg.MaxUnfinished, 64 * t.cfg.MaxUnfinishedBytes, agentFactor * t.cfg.MaxLost
}
