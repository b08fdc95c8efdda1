package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// mostActive is how many uploads of a session send at a time.
const mostActive = 2

// upload begins an upload, or continues one of an earlier connect or program.
// group is the number of those that were chosen together; 0: it is alone.
func (s *session) upload(call, group int64, o bridge.Offer, pump safejs.Value) error {
	key, err := s.admit(&o)
	if err != nil {
		return err
	}
	u := &upload{
		s: s, call: call, offer: o, key: key, pump: pump,
		name:  bridge.SafeName(o.Name, o.MimeType),
		state: bridge.Offered,
		ours:  o.Size == 0, // whatever is empty is the same
		told:  s.page.now() - progressTime,
		order: order{group: group},
	}
	s.uploads = append(s.uploads, u)
	u.step(nil, nil)
	s.schedule()
	return nil
}

// admit judges an offer as the proxy will, which alone knows whether the file
// has its place in the chat already.
func (s *session) admit(o *bridge.Offer) (bridge.Key, error) {
	key, err := bridge.ParseKey(o.Key)
	if err != nil {
		return key, err
	}
	if s.find(o.Key) != nil {
		return key, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	if err := bridge.CheckName(o.Name); err != nil {
		return key, err
	}
	if err := bridge.CheckCustom(o.Custom); err != nil {
		return key, err
	}
	if _, err := bridge.FromPage(bridge.AppendMessage(nil, o)); err != nil {
		return key, err
	}
	if err := s.may(bridge.UploadRight(o.UploadType), o.Visibility); err != nil || !s.known {
		return key, err
	}
	return key, s.limits.PerFile().Check(o.Name, o.Size)
}

func (s *session) find(key string) *upload {
	for _, u := range s.uploads {
		if u.offer.Key == key {
			return u
		}
	}
	return nil
}

// schedule lets waiting uploads begin, in their order.
func (s *session) schedule() {
	active := 0
	for _, u := range s.uploads {
		if u.phase == offering || u.phase == sending || u.phase == comparing {
			active++
		}
	}
	var held int64 // the group whose next one has to wait
	for _, u := range s.uploads {
		if active >= mostActive {
			return
		}
		if u.phase != waiting || held != 0 && u.order.group == held {
			continue
		}
		// A file of no bytes is there as soon as it is offered.
		if u.offer.Size == 0 && u.yields(0) {
			held = u.order.group
			continue
		}
		active++
		u.propose()
	}
}

// forget takes back what the proxy holds of an upload.
func (s *session) forget(key string) {
	if s.chat.ready {
		s.send(&bridge.Cancel{Key: key})
		return
	}
	s.forgotten = append(s.forgotten, key)
}
