package bayeux

// queue holds the messages for a client, in order: those that it was not sent, and with
// acknowledgements, those that it was sent and has not acknowledged. The answer to a connect has
// a batch; a client acknowledges the last one that it got, and with it all before.
type queue struct {
	acks    bool
	waiting []queued
	sent    []queued // with acks only
	batch   int64    // of the last answer to a connect
	bytes   int      // of both
}

type queued struct {
	text  []byte
	batch int64 // that it was sent with
}

func (q *queue) push(text []byte) {
	q.waiting = append(q.waiting, queued{text: text})
	q.bytes += len(text)
}

// take returns what waits. Without acknowledgements it is then gone; with them it is sent, as
// part of the batch that begins with it.
func (q *queue) take() (texts [][]byte) {
	if q.acks {
		q.batch++
	}
	for _, m := range q.waiting {
		texts = append(texts, m.text)
		if q.acks {
			q.sent = append(q.sent, queued{m.text, q.batch})
		} else {
			q.bytes -= len(m.text)
		}
	}
	q.waiting = nil
	return texts
}

// acked removes what the client has up to that batch. It did not get what was sent after it,
// because it acknowledges in its next request, so all of that waits again.
func (q *queue) acked(batch int64) {
	again := make([]queued, 0, len(q.sent)+len(q.waiting))
	for _, m := range q.sent {
		if m.batch <= batch {
			q.bytes -= len(m.text)
		} else {
			again = append(again, m)
		}
	}
	q.sent = nil
	if len(again) > 0 {
		q.waiting = append(again, q.waiting...)
	}
}

func (q *queue) empty() bool { return len(q.waiting)+len(q.sent) == 0 }
