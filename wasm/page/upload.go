//go:build !js

package page

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"attache/bridge"
)

// Upload is one file on its way up. The fields after Spoil are its results; read them
// when Send has returned.
type Upload struct {
	Key         string
	Name        string
	Description string
	Content     []byte
	Digest      string // SHA-256 in hex; empty: the proxy gets none

	// Sent is called after each frame with the number of bytes sent so far, Acked
	// after each ack: places to cut the wire. The next frame waits for Sent. May be nil.
	Sent  func(bytes int64)
	Acked func()
	// Broken is called at once with what a proxy may not do. May be nil.
	Broken func(b Breach)
	// Spoil reports whether the next frame is to be damaged on its way. May be nil.
	Spoil func() bool

	State    bridge.UploadState // the last one reported
	Code     bridge.Code        // why it failed
	Complete time.Time          // when the last byte was acked, or more was reported
	Accepted time.Time          // when accepted or a later state was reported

	Resumed int     // times that sending resumed
	Resent  int64   // bytes sent again, of all resumptions together
	Again   []Again // for each cut of a connection that had carried frames

	high, acked, window int64
}

// Again is what one cut cost, in bytes: how much was sent again, and the window
// that was open when the last frame before it went out.
type Again struct{ Sent, Window int64 }

// Breach is what a proxy may not do to an upload, in words.
type Breach string

// The breaches.
const (
	Beyond    Breach = "more was asked for again after a cut than the window then open"
	Regressed Breach = "bytes that were acked were asked for again"
	Mixed     Breach = "what the proxy held when it resumed is not what was sent"
	Forgotten Breach = "bytes were asked for after it was accepted"
)

func (u *Upload) broken(b Breach, is bool) {
	if is && u.Broken != nil {
		u.Broken(b)
	}
}

// NoteAccept, NoteFrame, NoteAck and NoteState record what crosses the sockets, and
// report breaches. The page that sends the upload calls them.
func (u *Upload) NoteAccept(m *bridge.Accept) {
	if m.Offset == int64(len(u.Content)) {
		sum := sha256.Sum256(u.Content)
		u.broken(Mixed, m.Digest != hex.EncodeToString(sum[:]))
		return
	}
	offset := min(m.Offset, int64(len(u.Content)))
	sum := sha256.Sum256(u.Content[:offset])
	u.broken(Mixed, offset < m.Offset || m.Digest != "" && m.Digest != hex.EncodeToString(sum[:]))
	u.broken(Forgotten, !u.Accepted.IsZero())
	u.broken(Regressed, offset < u.acked)
	if u.high > 0 {
		again := max(u.high-offset, 0)
		u.Resumed++
		u.Resent += again
		u.broken(Beyond, again > u.window)
	}
	if u.window > 0 {
		u.Again = append(u.Again, Again{max(u.high-offset, 0), u.window})
	}
	u.high, u.acked, u.window = offset, offset, 0
}

// NoteFrame records a frame that ends at that byte, and the window at that moment:
// until the next frame, acks only reduce what is in flight.
func (u *Upload) NoteFrame(end, length, window int64) {
	u.window = max(window, length)
	u.high = max(u.high, end)
}

// NoteAck records that everything before stored is durable.
func (u *Upload) NoteAck(stored int64) {
	u.acked = max(u.acked, stored)
	if u.acked == int64(len(u.Content)) && u.Complete.IsZero() {
		u.Complete = time.Now()
	}
}

// NoteState records a state that the proxy reports.
func (u *Upload) NoteState(m *bridge.Upload) {
	if m.State.Incoming() {
		return
	}
	now := time.Now()
	if u.Accepted.IsZero() {
		u.Accepted = now
	}
	if u.Complete.IsZero() {
		u.Complete = now
	}
}
