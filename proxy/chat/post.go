package chat

import (
	"context"
	"crypto/rand"
	"strconv"

	"attache/bridge"
)

// Post appends a message or a notice of a party that is in (or of one that was, if it is
// a file notice with a key), and returns it as stored: with id, time, the party as it
// joined, and file-id. Characters that XML cannot carry become U+FFFD. If e.Key is in the
// transcript already, that event is returned instead and nothing is appended, even if the
// party or the session is gone by now; the key of another party's event or upload, and
// that of an own upload for anything but its notice, has code upload-conflict.
//
// Codes: not-joined, session-ended, forbidden, message-invalid, text-too-long, chat-full,
// for customers storage-full, those of [bridge.Data.Check] and [bridge.CheckNotice], and
// for customers' files those of [bridge.Limits.Check]. The Data of the result, and of the
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
	if err := prepare(&e); err != nil {
		return bridge.Event{}, err
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
	if !p.UserType.MaySend(e.Visibility) {
		return nil, 0, bridge.NewError(bridge.CodeForbidden, "a "+string(p.UserType)+" may not send with visibility "+strconv.Quote(string(e.Visibility)))
	}
	e.From = p
	switch {
	case e.IsFile():
		if err := s.checkFile(f, e, now); err != nil {
			return nil, 0, err
		}
		e.Data = withFileID(e.Data, f)
	case e.NoticeType == bridge.UpdateNick:
		return nil, 0, bridge.NewError(bridge.CodeForbidden, "a party is renamed by joining with another nickname")
	case e.NoticeType == bridge.SystemCommand && p.UserType == bridge.Client:
		return nil, 0, bridge.NewError(bridge.CodeForbidden, "a customer may send no system command but "+bridge.FileUploaded)
	default:
		if err := s.afford(f, p); err != nil {
			return nil, 0, err
		}
	}
	return &logEntry{Kind: isEvent, Event: &event{e}}, 0, nil
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
func prepare(e *bridge.Event) error {
	*e = bridge.Event{
		Type: e.Type, Visibility: e.Visibility, Text: bridge.XMLText(e.Text),
		NoticeType: bridge.XMLText(e.NoticeType), Data: xmlData(e.Data), Key: e.Key,
	}
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	switch {
	case e.Type != bridge.Message && e.Type != bridge.Notice:
		return bridge.NewError(bridge.CodeMessage, "only messages and notices can be posted")
	case (e.Type == bridge.Notice) != (e.NoticeType != ""):
		return bridge.NewError(bridge.CodeMessage, "a notice needs a notice type, and a message has none")
	case len(e.Text) > bridge.MaxText:
		return bridge.NewError(bridge.CodeTextLength, "the text has "+bridge.Bytes(int64(len(e.Text)))+"; it may have "+bridge.Bytes(bridge.MaxText))
	case !validKey(e.Key) && e.Key != "":
		return badKey()
	}
	if err := e.Data.Check(); err != nil {
		return err
	}
	if !e.IsFile() {
		return nil
	}
	return prepareFile(e)
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

func xmlData(d bridge.Data) bridge.Data {
	if len(d) == 0 {
		return nil
	}
	out := make(bridge.Data, len(d))
	for i, item := range d {
		out[i] = bridge.Item{Key: bridge.XMLText(item.Key), Text: bridge.XMLText(item.Text), IsInt: item.IsInt}
	}
	return out
}
