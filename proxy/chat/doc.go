// Package chat is Chat Server's semantics on JetStream: sessions, parties,
// messages, notices, files by reference, and the customers' allowances. The
// proxy uses it where no Chat Server of the vendor's is at hand, and in every
// test.
//
//	s, err := chat.New(ctx, engine.JetStream(), chat.Options{Replicas: engine.Replicas()})
//	defer s.Close()
//	joined, err := s.Join(ctx, "0001AaBCDEFG0001", bridge.Party{UserID: "ann", UserType: bridge.Client})
//	e, err := s.Post(ctx, "0001AaBCDEFG0001", "ann", bridge.Event{Type: bridge.Message, Text: "hello"})
//
// # A session is its log
//
// Nothing of a session is stored but a log: the messages of one subject,
// chat.<session>, of the stream CHAT. An entry is an event, or one of the
// hidden ones: a place held for an upload, its release, a download attempt. An
// event's id is its place in the log, so ids grow by one for every entry, and
// each viewer sees gaps where entries are hidden or not for its eyes. All that
// a decision needs (who is in, which keys and files are known, what is used of
// the allowances, whether the session is over) is a fold over the log: fold.go
// has no I/O and no other state.
//
// Every append names the sequence of the entry it was judged by, and JetStream
// refuses it if another has come in between (change.go). Then the fold catches
// up and the decision is made again. So any number of proxies may write to one
// session, and no limit is exceeded by two that read the same count. An entry
// carries a name of its own: when an answer is lost, the log tells whether the
// append took place.
//
// # What is in memory
//
// A room (room.go) keeps a session's fold and its latest entries while somebody
// uses it, and a bounded number of idle ones stay (lobby.go). One consumer in
// each process follows the stream and offers every entry to its room; entries
// that the process stored itself are folded at their ack and recognised when
// they come again. Places are consecutive, so a room notices by itself that it
// missed something and reads the log. Nothing durable is here: a restart reads
// the log again.
//
// A fold may be a moment old. That never makes a wrong entry, because the append is
// conditional; and any other verdict, a refusal or "nothing to do", counts only
// after the log has been read once more.
//
// # Receivers
//
// A receiver (events.go) is a position and a wake-up channel that holds one
// word. It takes what it has not seen from the room's latest entries or, when
// it is further behind, by Direct Get, and judges each event by the party's
// visibility and ClientVersion. History and live events are the same walk over
// the same log, so nothing can be missed or doubled where one becomes the
// other, and a slow receiver costs one read's worth of memory and nobody's time.
package chat
