package proxy

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"attache/bridge"
	"attache/proxy/guests"
)

// Transfers moves files into and out of chat sessions. It holds every rule of an
// upload and of a download and knows no wire: the chat socket, the data socket and
// the HTTP download are callers, and another front door is one more caller. A caller
// has
// authenticated the party, and the party has joined its session.
//
// An upload is Offer, then Append or Receive until all bytes are durable, then Await; or
// Ingest, then Await, for a front door that gets a file in one request without its size.
// A download is Authorize, then Open; or Download, if each request is charged.
type Transfers struct {
	cfg       *Config
	uploads   *uploads
	quotas    uploadQuotas
	frames    *frameMemory
	refusals  *guests.Rates       // lines of refused offers in the audit log, by seat
	grants    *guests.Rates       // of one attempt of a customer's
	rates     *rateLimits         // of parties, shared with their sockets
	downloads quota               // by session
	audited   auditedGrants       // grants used here lately
	ingests   seatLocks           // of parties whose ingested files are being accepted
	copies    copies              // of files that parties send at the same time
	up, down  atomic.Int64        // bytes, for Traffic
	questions *semaphore.Weighted // for limits
}

// Lines of refused offers that a party may cause in the audit log.
const (
	auditLineRate  = 1 // a second
	auditLineBurst = 200
)

func newTransfers(c *Config, rates *rateLimits) *Transfers {
	t := &Transfers{
		cfg: c, frames: newFrameMemory(c.FrameMemory), rates: rates,
		refusals:  guests.NewRates(auditLineRate, auditLineBurst, 0),
		grants:    guests.NewRates(rate.Every(attemptEvery), attemptGrants, 0),
		downloads: quota{each: c.MaxDownloads, used: map[string]int{}},
		audited:   auditedGrants{uses: map[Grant]*grantUse{}},
		questions: semaphore.NewWeighted(limitQuestions),
	}
	t.uploads = newUploads(t)
	t.quotas = uploadQuotas{transfers: t, begun: map[string]Load{}}
	return t
}

// Transfers returns the uploads and downloads of this proxy, for another front door.
func (p *Proxy) Transfers() *Transfers { return p.transfers }

// Limits returns the limits that bind a party: a customer's are its Chat Server's, as
// joining or [Allowances] returned them; any other party's are the configuration's.
// No
// party may send a file larger than MaxFileSize, or than the document store takes, because a
// Chat Server in another process knows neither this proxy's scanner nor the store.
func (t *Transfers) Limits(who Identity, ofChatServer bridge.Limits) bridge.Limits {
	limits := ofChatServer
	if !who.customer() {
		limits = t.cfg.AgentLimits()
		limits.AgentHere, limits.DeleteOthers = ofChatServer.AgentHere, ofChatServer.DeleteOthers
		limits.UsedFiles, limits.UsedTotalSize = ofChatServer.UsedFiles, ofChatServer.UsedTotalSize
	}
	limits.MaxFileSize = least(limits.MaxFileSize, t.cfg.MaxFileSize)
	documents := StoreOf(t.cfg.Documents, Document{Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType})
	if b, ok := documents.(Bounded); ok {
		limits.MaxFileSize = least(limits.MaxFileSize, b.MaxSize())
	}
	return limits
}

// counted reports whether the Chat Server counts the party's uploads against limits.
func (t *Transfers) counted(who Identity, limits bridge.Limits) bool {
	if _, ok := t.cfg.Chat.(Allowances); !ok {
		return false
	}
	return who.customer() || t.cfg.CountAgents && limits.Counted()
}

// least bounds a limit of a Chat Server's by one for which 0 is no limit, too.
func least(limit, most int64) int64 {
	if most > 0 && (limit == bridge.NoLimit || limit > most) {
		return most
	}
	return limit
}

func (who Identity) customer() bool { return who.Party.UserType == bridge.Client }

// Append stores p, of 1 to MaxFrame bytes, at that offset of the party's upload, and
// retains no part of p once it has returned. It waits while the upload has enough on
// its way to the
// disk. onDurable is called from another goroutine, in order, once p is durable, with the
// number of durable bytes; or with the error that ended the writing. last reports that p is
// the end of the file: when it is durable too, the upload is accepted.
//
// The caller ends an upload whose party leaves its session, as Receive does.
//
// After code frame-offset the upload resumes at the offset that a repeated Offer
// returns. After code frame-length, and after code frame for too many small pieces, the
// upload has failed for good.
func (t *Transfers) Append(ctx context.Context, who Identity, key string, offset int64, p []byte, onDurable func(durable int64, err error)) (last bool, err error) {
	if len(p) == 0 {
		return false, bridge.NewError(bridge.CodeFrame, "a piece of a file has at least one byte")
	}
	if len(p) > t.cfg.MaxFrame {
		return false, bridge.NewError(bridge.CodeFrame, "a frame is longer than the "+bridge.Bytes(int64(t.cfg.MaxFrame))+" announced")
	}
	u, err := t.uploads.get(ctx, who, key)
	if err != nil {
		return false, err
	}
	size := int64(len(p)) // the caller reuses p
	err = u.append(ctx, offset, p, func(durable int64, err error) {
		if err != nil {
			t.uploads.forget(u)
		} else {
			t.up.Add(size)
		}
		onDurable(durable, err)
	})
	if err != nil {
		return false, u.appendFailed(ctx, err)
	}
	return offset+size == u.size && !u.open, nil
}
