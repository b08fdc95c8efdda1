package deliver

import (
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// changed tells every watcher of this process of a record's new message.
func (r *Records) changed(about *jetstream.MsgMetadata, m jetstream.Msg) {
	session, _, _ := strings.Cut(strings.TrimPrefix(m.Subject(), subjectPrefix), ".")
	if !r.watchers.any(session) {
		return
	}
	record, err := decode(m.Data(), about.Sequence.Stream)
	if err != nil {
		r.log.Error("an upload's record is not readable", "subject", m.Subject(), "error", err)
		return
	}
	r.watchers.tell(record)
}
