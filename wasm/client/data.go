package client

import (
	"time"

	"attache/bridge"
)

// data is a session's second socket: frames up, acks down. It is opened with
// the first upload and shared by all.
type data struct {
	link
	maxFrame int64
	more     bridge.Ready  // what the proxy of this connection takes
	rate     bridge.Link   // what this connection is known to carry
	renewed  bool          // the last socket's token was refused, and the chat has another one since
	wary     bool          // the last connection carried no frame, so the hello of this one proves nothing
	carried  time.Duration // when the network was last seen to carry something
	buffered int           // at the last probe
}

const (
	probeTime = 5 * time.Second  // between probes of the network
	stallTime = 30 * time.Second // without an ack or a byte sent, beyond what the slowest link needs for the bytes in flight
	spareTime = time.Minute      // without an upload, before the socket is closed
)

func (d *data) init(s *Session) {
	d.link = link{s: s, path: bridge.PathData + bridge.QueryData, on: handlers{
		hello:     d.addHello,
		message:   d.onMessage,
		malformed: d.skip,
		fail:      d.onFail,
		close:     d.lost,
		lost:      d.lost,
	}}
}

// want opens the socket unless it is open or being opened.
func (d *data) want() {
	if d.deadline == nil && d.s.chat.ready {
		d.open()
	}
}

func (d *data) open() {
	if err := d.dial(); err != nil {
		d.lost(err)
	}
}

func (d *data) addHello(*bridge.Hello) { d.rate = bridge.Link{} }

func (d *data) onMessage(m bridge.Wire) {
	switch m := m.(type) {
	case *bridge.Ready:
		d.onReady(m)
	case *bridge.Ack:
		u := d.s.find(m.Key)
		if u == nil {
			d.s.takeBack(m.Key)
			return
		}
		d.retry.reset()
		d.wary = false
		u.onAck(m)
	case *bridge.Fail:
		switch u := d.s.find(m.Key); {
		case m.Key == "":
			d.onFail(&m.Error)
		case u != nil:
			u.onFrameFail(&m.Error)
		}
	case *bridge.Bye:
		d.drop()
		d.wait(byeTime(m), d.open)
	}
}

func (d *data) onReady(m *bridge.Ready) {
	if d.ready || m.MaxFrame < 1 {
		return
	}
	d.ready, d.renewed = true, false
	if !d.wary {
		d.rate.Observe(d.greeting, d.heard-d.greeted)
	}
	d.maxFrame, d.more = min(m.MaxFrame, bridge.MaxFrame), *m
	d.set(probeTime, d.probe)
	for _, u := range d.s.uploads {
		if u.held {
			u.propose()
			continue
		}
		u.start()
	}
}

// sendFrame sends a frame with that many bytes of a file, which count as in flight already.
func (d *data) sendFrame(v View, length int64) error {
	d.used = d.s.now()
	if d.inFlight() <= length {
		d.carried = d.used
	}
	return d.socket.SendFrame(v)
}

// inFlight is how many bytes were sent and not acked.
func (d *data) inFlight() (bytes int64) {
	for _, u := range d.s.uploads {
		if u.sender != nil {
			bytes += u.sender.Sent() - u.sender.Stored()
		}
	}
	return bytes
}

// needed reports whether an upload sends, or is about to.
func (d *data) needed() bool {
	for _, u := range d.s.uploads {
		if u.phase == offering || u.phase == sending {
			return true
		}
	}
	return false
}

// probe finds a connection that has died silently, and a socket that nothing needs.
func (d *data) probe() {
	if n := d.socket.Buffered(); n != d.buffered {
		d.buffered, d.carried = n, d.s.now()
	}
	quiet, bytes := d.s.now()-max(d.carried, d.heard), d.inFlight()
	switch {
	case bytes > 0 && quiet > d.rate.Timeout(stallTime, bytes):
		d.lost(bridge.NewError(bridge.CodeTimeout, ""))
	case quiet > spareTime && !d.needed():
		d.drop()
	default:
		d.set(probeTime, d.probe)
	}
}

// onFail handles the proxy's refusal of this socket. For a new token the chat socket
// reconnects, because only its welcome names the token's party, and frames must not
// be sent under another party's name.
func (d *data) onFail(err *bridge.Error) {
	switch {
	case aboutToken(err.Code) && !d.renewed && !d.ready:
		d.renewed = true
		d.s.chat.renew()
	case d.ready && err.Code == bridge.CodeTokenExpired:
		d.s.chat.renew()
	case !err.Retry:
		d.giveUp(err)
	default:
		d.renewed = false
		d.lost(err)
	}
}

// wake tries again at once if the next try is later.
func (d *data) wake() {
	if d.waiting {
		d.open()
	}
}

// giveUp ends the uploads that cannot be sent; the chat continues.
func (d *data) giveUp(err *bridge.Error) {
	d.drop()
	for _, u := range append([]*upload(nil), d.s.uploads...) {
		if u.phase == offering || u.phase == sending {
			u.abandon(err)
		}
	}
}

func (d *data) lost(*bridge.Error) {
	d.wary = d.wary || d.inFlight() > 0
	d.drop()
	if d.s.chat.ready && d.needed() {
		d.wait(d.retry.next(d.s.client.host.Random), d.open)
	}
}

func (d *data) drop() {
	d.link.drop()
	for _, u := range d.s.uploads {
		u.hold()
	}
	// Nothing is in flight now, so there is time to free what the last connection
	// needed. Otherwise it would stay until Go's heap, and with it WebAssembly
	// memory, has grown by megabytes.
	d.s.client.host.Idle()
}
