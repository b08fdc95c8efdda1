package client

import "attache/bridge"

// maxActive is how many uploads of a session send at a time.
const maxActive = 2

// Upload begins an upload, or continues one of an earlier connect or program. group
// is the number of the files that were chosen together; 0: it is alone.
func (s *Session) Upload(call, group int64, o bridge.Offer, p Pump) {
	s.answer(call, func() error { return s.upload(call, group, o, p) })
}

func (s *Session) upload(call, group int64, o bridge.Offer, p Pump) error {
	key, err := s.checkOffer(&o)
	if err != nil {
		return err
	}
	u := &upload{
		s: s, call: call, offer: o, key: key, pump: p,
		name:     bridge.SafeName(o.Name, o.MimeType),
		state:    bridge.Offered,
		ours:     o.Size == 0, // all empty files are the same
		reported: s.now() - progressTime,
		order:    order{group: group},
	}
	s.uploads = append(s.uploads, u)
	u.report(nil, nil)
	s.schedule()
	return nil
}

// checkOffer checks what the proxy will check too. Only the proxy knows whether the
// file is counted in the chat already.
func (s *Session) checkOffer(o *bridge.Offer) (bridge.Key, error) {
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
	announced := bridge.Announcement{
		Name: o.Name, Size: o.Size, UploadType: o.UploadType, Description: o.Description, Key: o.Key, Custom: o.Custom,
	}
	if err := announced.CheckPacket(); err != nil {
		return key, err
	}
	if _, err := bridge.FromPage(bridge.AppendMessage(nil, o)); err != nil {
		return key, err
	}
	if err := s.permit(bridge.UploadRight(o.UploadType), o.Visibility); err != nil || !s.known {
		return key, err
	}
	if err := bridge.CheckUploadType(o.UploadType, s.party.UserType, s.rights); err != nil {
		return key, err
	}
	return key, s.limits.PerFile().Check(o.Name, o.Size)
}

func (s *Session) find(key string) *upload {
	for _, u := range s.uploads {
		if u.offer.Key == key {
			return u
		}
	}
	return nil
}

// schedule lets waiting uploads begin, in their order.
func (s *Session) schedule() {
	active := 0
	for _, u := range s.uploads {
		if u.phase == offering || u.phase == sending || u.phase == comparing {
			active++
		}
	}
	var blocked int64 // the group whose next upload has to wait
	for _, u := range s.uploads {
		if active >= maxActive {
			return
		}
		if u.phase != waiting || blocked != 0 && u.order.group == blocked {
			continue
		}
		// An empty file has arrived as soon as it is offered.
		if u.offer.Size == 0 && u.mustWait(0) {
			blocked = u.order.group
			continue
		}
		active++
		u.propose()
	}
}

// Discard makes the proxy cancel an upload and remove its bytes.
func (s *Session) Discard(key string) {
	if s.chat.ready {
		s.send(&bridge.Cancel{Key: key})
		return
	}
	s.cancels = append(s.cancels, key)
}
