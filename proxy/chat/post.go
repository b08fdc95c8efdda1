package chat

import (
	"context"
	"crypto/rand"
	"strconv"

	"attache/bridge"
	"attache/proxy"
)

// Post appends a message or a notice of a party that is in (or of one that was, if it is
// a file notice with a key), and returns it as stored: with id, time, the party as it
// joined, and file-id. Characters that XML cannot carry become U+FFFD. If e.Key is in the
// transcript already, that event is returned instead and nothing is appended, even if the
// party or the session is gone by now; the key of another party's event or upload, and
// that of an own upload for anything but its notice, has code upload-conflict.
//
// A notice of a transient type ([bridge.NoticeRules]) is not appended. Its parties get it
// once, in time or not at all: a lost one is not an error. Its sender does not get it.
// A notice USER_UPDATE_NICK renames the party to its text, and is as visible as the party.
// An event with a Receiver is seen by that party and its sender only.
// A notice [bridge.FileDeleted] deletes the file that its data names by its file-id; code
// file-unknown if the party sees none. Deleting it again returns the first notice. A notice
// [bridge.FileConfig] is answered with the party's limits and is not appended.
//
// Codes: not-joined, session-ended, forbidden, message-invalid, text-too-long,
// message-too-large, party-unknown, chat-full, for customers storage-full, those of
// [bridge.Data.Check] and [bridge.CheckNotice], and for customers' files those of [bridge.Limits.Check]. The Data of the result, and of the
// events that Events delivers, is shared: read it, don't change it.
func (s *Server) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return bridge.Event{}, err
	}
	defer leave()
	return s.post(ctx, r, userID, e)
}

func (s *Server) post(ctx context.Context, r *room, userID string, e bridge.Event) (bridge.Event, error) {
	if err := prepare(&e, s.cfg.MaxPacket); err != nil {
		return bridge.Event{}, err
	}
	if isTransient(e) {
		return s.postTransient(ctx, r, userID, e)
	}
	if e.IsFileConfig() {
		return s.fileConfig(ctx, r, userID, e)
	}
	var first int64
	stored, err := s.change(ctx, r, func(f *fold, now int64) (entry *logEntry, err error) {
		entry, first, err = s.postEntry(f, userID, e, now)
		return entry, err
	})
	if err != nil {
		return bridge.Event{}, err
	}
	if stored == nil {
		return r.event(ctx, first)
	}
	return stored.Event.Event, nil
}

// postEntry returns the entry to append, or the position of the event that has the key.
func (s *Server) postEntry(f *fold, userID string, e bridge.Event, now int64) (*logEntry, int64, error) {
	if known, ok := f.keys[e.Key]; ok {
		if known.userID != userID {
			return nil, 0, bridge.NewError(bridge.CodeUploadConflict, "")
		}
		return nil, known.position, nil
	}
	// An upload's key is for its notice alone: after a message with that key, the
	// notice would count as posted already.
	if held, ok := f.held(e.Key, now, s.cfg.ReservationTTL); ok && (held.userID != userID || !e.IsFile()) {
		return nil, 0, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	if f.ended(now, s.cfg.Retention) {
		return nil, 0, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	p, err := f.sender(userID, e)
	if err != nil {
		return nil, 0, err
	}
	e.From = p
	if err := s.maySend(f, e); err != nil {
		return nil, 0, err
	}
	switch {
	case e.IsFile():
		if err := s.checkFile(f, e, now); err != nil {
			return nil, 0, err
		}
		e.Data = withFileID(e.Data, f)
	case e.NoticeType == bridge.IdleControlSet:
		if err := s.checkIdleSet(f, e); err != nil {
			return nil, 0, err
		}
		if err := s.afford(f, p); err != nil {
			return nil, 0, err
		}
	case e.NoticeType == bridge.IdleControlAlert, e.NoticeType == bridge.IdleControlClose:
		return nil, 0, bridge.NewError(bridge.CodeForbidden, "only Chat Server itself sends notices of type "+e.NoticeType)
	case s.isDeletion(e):
		return s.deletionEntry(f, e)
	case e.NoticeType == bridge.SystemCommand && p.UserType == bridge.Client:
		return nil, 0, bridge.NewError(bridge.CodeForbidden, "a customer may send no system command but "+bridge.FileUploaded+", "+bridge.FileDeleted+" and "+bridge.FileConfig)
	default:
		if err := s.afford(f, p); err != nil {
			return nil, 0, err
		}
	}
	entry := &logEntry{Kind: isEvent, Event: &event{e}}
	if e.NoticeType == bridge.UpdateNick {
		entry.Event.From.Nickname, entry.Event.Visibility, entry.Renamed = e.Text, p.Visibility, true
	}
	return entry, 0, nil
}

// checkReceiver checks the receiver of a direct message or notice. It must be in the session
// and be able to see it; a hidden party is unknown to a sender that may not see it. Parties
// of the flex protocol neither send nor get direct messages (ESChat Administrator's Guide:
// basic protocol only).
func (s *Server) checkReceiver(f *fold, e bridge.Event) error {
	if e.Receiver == "" {
		return nil
	}
	p := e.From
	r, ok := f.present[e.Receiver]
	switch {
	case !ok || !p.UserType.MaySee(r.Visibility), e.Receiver == p.UserID:
		return bridge.NewError(bridge.CodeParty, "")
	case s.hides(p, r) || s.hides(r, p):
		return bridge.NewError(bridge.CodeParty, "")
	case e.IsFile():
		return direct("a file goes to all parties of its visibility, and not to one only")
	case p.Protocol == bridge.Flex || r.Protocol == bridge.Flex:
		return direct("a party that is connected by requests (flex) neither sends nor gets direct messages")
	case !r.UserType.MaySee(e.Visibility):
		return direct("the receiver may not see visibility " + string(e.Visibility))
	}
	return nil
}

// hides reports whether a SYSTEM party is hidden from another one by that one's version.
func (s *Server) hides(system, other bridge.Party) bool {
	return system.UserType == bridge.System && other.ClientVersion < bridge.VersionIdleControl && s.cfg.SystemBelow103 == SystemHidden
}

func direct(message string) error {
	err := bridge.NewError(bridge.CodeForbidden, message)
	err.Hint = "send it to all"
	return err
}

// maySend fails if the event's party may not send with its visibility, or not to its
// receiver.
func (s *Server) maySend(f *fold, e bridge.Event) error {
	if e.From.UserType.MaySend(e.Visibility) {
		return s.checkReceiver(f, e)
	}
	return bridge.CheckSender(e.From.UserType, e.Visibility)
}

// checkFile applies the allowances to a customer's notice. The notice of a reserved
// file was checked at the reservation; if it is about another file, it is checked now.
func (s *Server) checkFile(f *fold, e bridge.Event, now int64) error {
	if e.From.UserType != bridge.Client {
		return nil
	}
	file, err := bridge.DecodeFile(e)
	if err != nil {
		return err
	}
	name := e.Data.Get(bridge.KeyFileName)
	held, ok := f.held(e.Key, now, s.cfg.ReservationTTL)
	if ok && held.name == name && held.size == file.Size {
		return nil
	}
	if !ok {
		if err := s.afford(f, e.From); err != nil {
			return err
		}
	}
	return s.limits(f, e.From, e.Key, now).Check(name, file.Size)
}

// fileIDLength makes ids unguessable (5 bits a character): an id of another session is
// unknown here.
const fileIDLength = 16

// withFileID returns a copy of the notice's data with a fresh file-id, which replaces the
// sender's.
func withFileID(d bridge.Data, f *fold) bridge.Data {
	id := rand.Text()[:fileIDLength]
	for _, taken := f.files[id]; taken; _, taken = f.files[id] {
		id = rand.Text()[:fileIDLength]
	}
	return append(bridge.Data(nil), d...).Set(bridge.Text(bridge.KeyFileID, id))
}

// prepare turns what a party sent into an event that can be stored, or refuses it.
func prepare(e *bridge.Event, maxPacket int64) error {
	*e = bridge.Event{
		Type: e.Type, Visibility: e.Visibility, Text: bridge.XMLText(e.Text),
		NoticeType: bridge.XMLText(e.NoticeType), Data: proxy.WithoutPasswords(e.Data.XMLText()), Key: e.Key,
		MessageType: bridge.XMLText(e.MessageType), TreatAs: e.TreatAs, Receiver: e.Receiver,
		Attributes: proxy.WithoutPasswords(e.Attributes.XMLText()),
	}
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	switch {
	case e.Type != bridge.Message && e.Type != bridge.Notice:
		return bridge.NewError(bridge.CodeMessage, "only messages and notices can be posted")
	case (e.Type == bridge.Notice) != (e.NoticeType != ""):
		return bridge.NewError(bridge.CodeMessage, "a notice needs a notice type, and a message has none")
	case e.Type == bridge.Notice && (e.MessageType != "" || e.TreatAs != ""):
		return bridge.NewError(bridge.CodeMessage, "a notice has no message type and is not treated as the system's")
	case len(e.Text) > bridge.MaxText:
		return bridge.NewError(bridge.CodeTextLength, "the text has "+bridge.Bytes(int64(len(e.Text)))+"; it may have "+bridge.Bytes(bridge.MaxText))
	case !validKey(e.Key) && e.Key != "":
		return badKey()
	}
	if err := e.Data.Check(); err != nil {
		return err
	}
	if err := e.Attributes.Check(); err != nil {
		return err
	}
	if e.IsFile() {
		return prepareFile(e)
	}
	if err := checkText(e); err != nil {
		return err
	}
	return bridge.CheckPacket(*e, maxPacket)
}

// checkText checks the text of a notice where it has a meaning. A pushed URL is opened by
// whom it is sent to, so it is http or https, whichever way it came.
func checkText(e *bridge.Event) error {
	switch e.NoticeType {
	case bridge.UpdateNick:
		return bridge.CheckNickname(e.Text)
	case bridge.PushURL:
		return bridge.CheckURL(e.Text)
	case bridge.IdleControlAlert, bridge.IdleControlClose:
		return bridge.NewError(bridge.CodeForbidden, "only Chat Server itself sends "+e.NoticeType)
	}
	return nil
}

// prepareFile makes the notice's attache-key and the event's key the same, so that a
// file whose notice came through another system is not announced twice either.
func prepareFile(e *bridge.Event) error {
	if err := bridge.CheckNotice(e.Data); err != nil {
		return err
	}
	inside := e.Data.Get(bridge.KeyFileKey)
	switch {
	case inside == "" || inside == e.Key:
		return nil
	case e.Key != "":
		return bridge.NewError(bridge.CodeMessage, bridge.KeyFileKey+" is not the notice's key")
	case !validKey(inside):
		return badKey()
	}
	e.Key = inside
	return nil
}

// maxKey is the most bytes of a key on bridge's wire.
const maxKey = 64

func validKey(key string) bool {
	return key != "" && len(key) <= maxKey && bridge.XMLText(key) == key
}

func badKey() error {
	return bridge.NewError(bridge.CodeMessage, "a key has 1 to "+strconv.Itoa(maxKey)+" bytes of text")
}
