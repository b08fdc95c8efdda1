package chat

import (
	"attache/bridge"
	"attache/proxy"
)

// admission is one call of Join.
type admission struct {
	server  *Server
	joining proxy.Joining // prepared
	key     string        // the secure key, if the party is registered
	guess   passwordGuess

	registered bool // the party was not in
	rotated    bool // the party has another key from now on
	wrongKey   bool // the entry removes a party, because the key was wrong
}

// hashAhead hashes the password before the room is locked for the decision.
func (a *admission) hashAhead(r *room) {
	if !a.server.cfg.EnforcePassword || a.guess.text == "" || a.joining.SecureKey != "" {
		return
	}
	r.mu.Lock()
	var salt []byte
	if r.fold.password != nil {
		salt = r.fold.password.Salt
	}
	r.mu.Unlock()
	a.guess.hash(salt)
}

// entry is the decision; see change.
func (a *admission) entry(f *fold, now int64) (*logEntry, error) {
	a.registered, a.rotated, a.wrongKey = false, false, false
	if f.ended(now, a.server.cfg.Retention) {
		return nil, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	in, present := f.present[a.joining.UserID]
	if a.joining.SecureKey != "" {
		return a.byKey(f, in, present, now)
	}
	var password *sessionPassword
	if a.server.cfg.EnforcePassword {
		var err error
		if password, err = a.guess.check(f.password, f.last > 0); err != nil {
			return nil, err
		}
	}
	if present {
		return a.again(f, in)
	}
	if err := a.server.affordJoin(f, a.joining.Party); err != nil {
		return nil, err
	}
	a.registered = true
	return a.newParty(password), nil
}

func (a *admission) newParty(password *sessionPassword) *logEntry {
	p := a.joining.Party
	e := bridge.Event{
		Type: bridge.NewParty, From: p, Visibility: p.Visibility,
		Text: a.joining.Text, Data: a.joining.UserData, Attributes: a.joining.Attributes,
	}
	if p.UserInfo != (bridge.UserInfo{}) {
		e.Info = &p.UserInfo
	}
	return &logEntry{
		Kind: isEvent, ClientVersion: p.ClientVersion, SecureKey: hashKey(a.key), Password: password, Foreign: !a.joining.ByProxy, Event: &event{e},
	}
}

// again returns the entry for a party that is in already: none, unless it has a higher
// ClientVersion, or another nickname and has not chosen the present one itself.
func (a *admission) again(f *fold, in bridge.Party) (*logEntry, error) {
	p := a.joining.Party
	if err := sameType(in, p); err != nil {
		return nil, err
	}
	e := a.attach(in)
	// A token without a nickname says nothing of it.
	if p.Nickname != "" && in.Nickname != p.Nickname && !f.renamed[p.UserID] {
		in.Nickname = p.Nickname
		e.Kind, e.UserID = isEvent, ""
		e.Event = &event{bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.UpdateNick, Text: p.Nickname, From: in, Visibility: in.Visibility,
		}}
		return e, nil
	}
	return a.worth(f, e, in)
}

// byKey returns the entry for a party that attaches by its secure key.
func (a *admission) byKey(f *fold, in bridge.Party, present bool, now int64) (*logEntry, error) {
	_, left := f.left[a.joining.UserID]
	switch {
	case !present && left:
		return nil, bridge.NewError(bridge.CodeLoggedOut, "")
	case !present:
		err := bridge.NewError(bridge.CodeParty, "the party to attach as is not registered in this chat")
		err.Hint = "register the party first, or connect without a secure key"
		return nil, err
	case !f.hasKey(in.UserID, a.joining.SecureKey, now):
		return a.wrong(in)
	}
	if err := sameType(in, a.joining.Party); err != nil {
		return nil, err
	}
	e := a.attach(in)
	e.TakesOver = a.server.cfg.AttachTakesOver && !a.joining.Beside
	// Every request of a flex party has the key.
	e.Foreign = !f.foreign[in.UserID] && a.joining.Protocol != bridge.Flex
	if a.server.cfg.RotateKeys && in.Protocol == bridge.Flex {
		e.SecureKey = hashKey(a.key)
	}
	e, err := a.worth(f, e, in)
	a.rotated = e != nil && e.SecureKey != ""
	return e, err
}

// wrong refuses a wrong key. It never removes the party unless an option says so, because
// other parties know its user id.
func (a *admission) wrong(in bridge.Party) (*logEntry, error) {
	if !a.server.cfg.WrongKeyRemoves {
		return nil, bridge.NewError(bridge.CodeSecureKey, "")
	}
	a.wrongKey = true
	return partyLeft(in, proxy.Departure{Reason: a.server.reason(bridge.ReasonSecureKey)}), nil
}

func sameType(in, again bridge.Party) error {
	if in.UserType != again.UserType {
		return bridge.NewError(bridge.CodeForbidden, "this user id is in the chat already, with another type")
	}
	return nil
}

// attach returns an entry that raises the party's version to that of this connection, as far
// as versions mean something.
func (a *admission) attach(in bridge.Party) *logEntry {
	e := &logEntry{Kind: isAttach, UserID: in.UserID}
	if v := min(a.joining.ClientVersion, bridge.VersionCurrent); v > in.ClientVersion {
		e.ClientVersion = v
	}
	return e
}

// worth returns e if it changes anything, and the party may add anything. That the party is
// another program's is written in any case: it is written once.
func (a *admission) worth(f *fold, e *logEntry, in bridge.Party) (*logEntry, error) {
	if e.Foreign {
		return e, nil
	}
	if e.ClientVersion == 0 && !e.TakesOver && e.SecureKey == "" || a.server.affordJoin(f, in) != nil {
		return nil, nil
	}
	return e, nil
}
