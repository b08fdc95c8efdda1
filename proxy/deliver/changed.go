package deliver

import (
	"github.com/nats-io/nats.go/jetstream"
)

// changed takes a record's new message, and tells every watcher of this process.
func (r *Records) changed(about *jetstream.MsgMetadata, m jetstream.Msg) {
	record, err := decode(m.Data(), about.Sequence.Stream)
	if err != nil {
		r.log.Error("an upload's record is not readable", "subject", m.Subject(), "error", err)
		return
	}
	r.unfinished.note(record)
	r.watchers.tell(record)
}
