package bayeux

import (
	"context"

	"github.com/coder/websocket"
)

// send queues a reply; false ends the socket, because its client takes none.
func (k *socket) send(text []byte) bool {
	k.mu.Lock()
	full := k.bytes > replyBytes
	k.mu.Unlock()
	if full {
		return false
	}
	k.queueReply(text)
	return true
}

func (k *socket) queueReply(text []byte) {
	k.mu.Lock()
	k.replies = append(k.replies, text)
	k.bytes += len(text)
	k.mu.Unlock()
	k.kick()
}

// kick lets what there is for the client be written, by a goroutine that exists until nothing is
// left. It takes no lock of a client, and may be called with one.
func (k *socket) kick() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.again = true
	if k.writing {
		return
	}
	s := k.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	k.writing = true
	s.running.Go(k.write)
}

// write sends replies before messages: a handshake's is the first that a client can read.
func (k *socket) write() {
	for {
		k.mu.Lock()
		if !k.again {
			k.writing = false
			k.mu.Unlock()
			return
		}
		k.again = false
		texts, c := k.replies, k.client
		k.replies, k.bytes = nil, 0
		k.mu.Unlock()
		if c != nil {
			texts = append(texts, c.collect(k)...)
		}
		for _, text := range texts {
			if err := k.frame(text); err != nil {
				k.conn.CloseNow() // the reader then ends the socket
				k.mu.Lock()
				k.writing = false
				k.mu.Unlock()
				return
			}
		}
	}
}

func (k *socket) frame(text []byte) error {
	ctx, cancel := context.WithTimeout(k.ctx, writeTimeout)
	defer cancel()
	out := make([]byte, 0, len(text)+2)
	out = append(append(append(out, '['), text...), ']')
	return k.conn.Write(ctx, websocket.MessageText, out)
}
