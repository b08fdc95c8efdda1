package main

import (
	"runtime"
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// data is a session's second socket: frames up, acks down. It is opened with
// the first upload and shared by all.
type data struct {
	s        *session
	socket   *socket
	ready    bool
	waiting  bool // for the next try
	renewed  bool // the last one was refused for its token, and the chat has another one since
	maxFrame int64
	link     bridge.Link   // what this connection is known to carry
	greeted  time.Duration // when the hello went out
	greeting int64         // its length, in bytes
	wary     bool          // the last connection carried no frame: what the hello says of this one is not believed
	heard    time.Duration // when something was received
	last     time.Duration // when the link was last seen to carry something
	buffered int           // at the last look
	retry    backoff
	alarm    *alarm // while connecting, connected, or waiting for the next try
}

const (
	readyTime = 15 * time.Second // from dialing to ready
	lookTime  = 5 * time.Second  // between looks at the link
	stallTime = 30 * time.Second // without an ack or a byte taken, beyond what the slowest link needs for those owed
	spareTime = time.Minute      // without an upload, before the socket is closed
)

// want opens the socket unless it is open or being opened.
func (d *data) want() {
	if d.alarm == nil && d.s.chat.ready {
		d.dial()
	}
}

func (d *data) dial() {
	var err error
	d.waiting = false
	d.socket, err = d.s.page.dial(d.s.dial, d.s.url+bridge.PathData, listener{d.opened, d.received, d.cut, d.failed})
	if err != nil {
		d.lost(bridge.WrapError(bridge.CodeOffline, err))
		return
	}
	d.set(readyTime, func() { d.lost(bridge.NewError(bridge.CodeTimeout, "")) })
}

func (d *data) set(after time.Duration, f func()) {
	d.alarm.stop()
	d.alarm = d.s.page.turns.after(after, f, d.failed)
}

func (d *data) opened(protocol string) {
	if protocol != bridge.Subprotocol {
		d.refused(bridge.NewError(bridge.CodeVersion, ""))
		return
	}
	hello := bridge.AppendMessage(nil, &bridge.Hello{Token: d.s.token, Agent: agent, Ping: d.s.idle.ping(d.s.page.now())})
	d.link, d.greeted, d.greeting = bridge.Link{}, d.s.page.now(), int64(len(hello))
	if err := d.socket.send(hello); err != nil {
		d.lost(bridge.WrapError(bridge.CodeOffline, err))
	}
}

func (d *data) received(text []byte) {
	d.last = d.s.page.now()
	d.heard = d.last
	m, err := bridge.FromProxy(text)
	if err != nil {
		complain("a message of the proxy's is left out: " + err.Error())
		return
	}
	switch m := m.(type) {
	case *bridge.Ready:
		d.begin(m.MaxFrame)
	case *bridge.Ack:
		if u := d.s.find(m.Key); u != nil {
			d.retry.reset()
			d.wary = false
			u.acked(m)
		}
	case *bridge.Fail:
		d.fail(m)
	case *bridge.Bye:
		d.drop()
		d.wait(min(time.Duration(m.After)*time.Millisecond, longestBye))
	}
}

func (d *data) begin(maxFrame int64) {
	if d.ready || maxFrame < 1 {
		return
	}
	d.ready, d.renewed = true, false
	if !d.wary {
		d.link.Observe(d.greeting, d.s.page.now()-d.greeted)
	}
	d.maxFrame = min(maxFrame, bridge.MaxFrame)
	d.set(lookTime, d.look)
	for _, u := range d.s.uploads {
		if u.held {
			u.propose()
			continue
		}
		u.start()
	}
}

func (d *data) send(view safejs.Value) error {
	if d.owed() == 0 {
		d.last = d.s.page.now()
	}
	return d.socket.sendBytes(view)
}

// owed is how many bytes are under way.
func (d *data) owed() (bytes int64) {
	for _, u := range d.s.uploads {
		if u.sender != nil {
			bytes += u.sender.Sent() - u.sender.Stored()
		}
	}
	return bytes
}

// needed reports whether an upload sends, or would.
func (d *data) needed() bool {
	for _, u := range d.s.uploads {
		if u.phase == offering || u.phase == sending {
			return true
		}
	}
	return false
}

// look finds a link that died without a word, and a socket nobody needs.
func (d *data) look() {
	if n := d.socket.buffered(); n != d.buffered {
		d.buffered, d.last = n, d.s.page.now()
	}
	quiet, owed := d.s.page.now()-d.last, d.owed()
	switch {
	case owed > 0 && quiet > d.link.Timeout(stallTime, owed):
		d.lost(bridge.NewError(bridge.CodeTimeout, ""))
	case quiet > spareTime && !d.needed():
		d.drop()
	default:
		d.set(lookTime, d.look)
	}
}

func (d *data) fail(m *bridge.Fail) {
	if m.Key == "" {
		d.refused(&m.Error)
		return
	}
	if u := d.s.find(m.Key); u != nil {
		u.broken(&m.Error)
	}
}

// refused takes the proxy's word that this socket cannot be. For a new token the
// chat connects anew: only its welcome says whose it is, and frames must not go out
// under another name.
func (d *data) refused(err *bridge.Error) {
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

// wake tries again at once, if it waits for that.
func (d *data) wake() {
	if d.waiting {
		d.dial()
	}
}

// giveUp ends the uploads that cannot be sent; the chat goes on.
func (d *data) giveUp(err *bridge.Error) {
	d.drop()
	for _, u := range append([]*upload(nil), d.s.uploads...) {
		if u.phase == offering || u.phase == sending {
			u.abandon(err)
		}
	}
}

// cut is told that the socket has ended, or could not be made.
func (d *data) cut(err *bridge.Error) {
	if d.ready {
		d.s.idle.end(d.socket.quiet(), d.s.page.now())
	}
	d.lost(err)
}

func (d *data) lost(*bridge.Error) {
	d.wary = d.wary || d.owed() > 0
	d.drop()
	if d.s.chat.ready && d.needed() {
		d.wait(d.retry.next())
	}
}

func (d *data) wait(wait time.Duration) {
	d.waiting = true
	d.set(wait, d.dial)
}

func (d *data) failed(err *bridge.Error) { d.s.failed(err) }

func (d *data) drop() {
	d.alarm.stop()
	d.alarm, d.ready, d.waiting = nil, false, false
	if d.socket != nil {
		d.socket.close()
		d.socket = nil
	}
	for _, u := range d.s.uploads {
		u.hold()
	}
	// Nothing is under way now, so there is time: what the last connection needed
	// would otherwise lie about until Go's heap, and with it WebAssembly memory,
	// has grown by megabytes.
	runtime.GC()
}
