// Package chat is Chat Server's semantics on JetStream: sessions, parties,
// messages, notices, files by reference, and the customers' allowances. The
// proxy uses it without a Chat Server of the vendor's, and in every test.
//
//	s, err := chat.Open(ctx, engine, chat.Options{})
//	defer s.Close()
//	joined, err := s.Join(ctx, "0001AaBCDEFG0001", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Client}})
//	e, err := s.Post(ctx, "0001AaBCDEFG0001", "ann", bridge.Event{Type: bridge.Message, Text: "hello"})
//
// # A session is its log
//
// Only a log of a session is stored: the messages of one subject,
// chat.<session>, of the stream CHAT. An entry is an event, or hidden: a
// reservation for an upload, its release, a download attempt. An event's id is its
// position in the log, so ids grow by one for every entry, and a viewer sees
// gaps at entries that are hidden or that it may not see. Everything a decision
// needs (which parties are in, which keys and files are known, how much of the
// allowances is used, whether the session is over) is a fold over the log:
// fold.go has no I/O and no other state.
//
// Every append names the sequence of the last entry that its decision knew, and
// JetStream refuses it if another has come in between (change.go). Then the
// fold catches up and the decision is made again. So any number of proxies may
// write to one session, and two that read the same count cannot exceed a limit
// together. An entry has a name of its own: after a lost answer, the log shows
// whether the append took place.
//
// # What is in memory
//
// A room (room.go) holds a session's fold and its latest entries while it is in
// use, and a bounded number of idle rooms stay (lobby.go). One consumer in each
// process follows the stream and passes every entry to its room; entries that
// the process stored itself are folded at their ack and recognised when they
// come again. Positions are consecutive, so a room detects that it missed an entry
// and reads the log. Nothing here is durable: a restart reads the log again.
//
// A fold may be a moment old. That never leads to a wrong entry, because the
// append is conditional; and any other outcome, a refusal or "nothing to do",
// counts only after the log has been read once more.
//
// # Receivers
//
// A receiver (events.go) is a position and a wake-up channel of capacity one. It
// takes entries it has not seen from the room's latest ones or, if it is further
// behind, by Direct Get, and filters events by the party's visibility and
// ClientVersion. History and live events are the same walk over the same log, so
// none is missed or doubled where one becomes the other, and a slow receiver costs
// the memory of one read and delays no other.
package chat
