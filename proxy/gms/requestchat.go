package gms

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chatrequest"
	"attache/proxy/mail"
)

// requestChat begins a session, in which the customer waits for an agent.
func (s *Server) requestChat(ctx context.Context, c *Call) (Reply, error) {
	service, err := s.cfg.service(c.Service)
	if err != nil {
		return Reply{}, err
	}
	who, err := s.admit(ctx, c)
	if err != nil {
		return Reply{}, err
	}
	if c.Params["nickname"] == "" && c.Params["firstName"]+c.Params["lastName"] == "" && who.Party.Nickname != "" {
		c.set("nickname", who.Party.Nickname)
	}
	name, err := nickname(c)
	if err != nil {
		return Reply{}, err
	}
	if err := s.attachData(c, who); err != nil {
		return Reply{}, err
	}
	login, err := s.flex.Login(ctx, proxy.FlexLogin{Nickname: name, UserData: c.UserData, TimeZoneOffset: timeZone(c.UserData)})
	if err != nil {
		return Reply{}, cannotStart(err)
	}
	join := proxy.FlexJoin{
		FlexUser: proxy.FlexUser{
			UserID: login.UserID, SecureKey: login.SecureKey, Session: s.flex.NewSession(), ClientVersion: bridge.VersionCurrent, FromPosition: 1,
		},
		QueueKey: cmp.Or(who.Join.QueueKey, service.QueueKey), Subject: cmp.Or(c.Params["subject"], who.Join.Subject),
	}
	if s.cfg.Requests != nil {
		// Before the customer joins: otherwise a chat could begin of which no agent ever learns.
		if err := s.cfg.Requests.Add(ctx, chatrequest.Request{
			ChatID: join.Session, Service: service.Name, QueueKey: join.QueueKey, Subject: join.Subject, Nickname: name,
			UserData: flat(proxy.WithoutPasswords(c.UserData)), At: time.Now().UTC().Truncate(time.Millisecond),
		}); err != nil {
			return Reply{}, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	status, err := s.flex.Join(ctx, join)
	if err != nil {
		return Reply{}, cannotStart(err)
	}
	c.From = 1
	return s.reply(c, status), nil
}

// nickname is that of the chat: the parameter, or first and last name together.
func nickname(c *Call) (string, error) {
	first, last := strings.TrimSpace(c.Params["firstName"]), strings.TrimSpace(c.Params["lastName"])
	switch nick := strings.TrimSpace(c.Params["nickname"]); {
	case nick != "":
		return nick, nil
	case first == "" && last == "":
		return "", missing(NoName, "the chat needs a name")
	case first == "":
		return "", missing(NoFirstName, "the first name is missing")
	case last == "":
		return "", missing(NoLastName, "the last name is missing")
	}
	return first + " " + last, nil
}

// attachData completes the user data: with the e-mail address under the key that the transcript
// mail reads, the names, and what the application's token says, which counts more.
func (s *Server) attachData(c *Call, who proxy.Identity) error {
	if address := strings.TrimSpace(c.Params["emailAddress"]); address != "" {
		if err := mail.CheckAddress(address); err != nil {
			return err
		}
		c.UserData = c.UserData.Set(bridge.Text(s.cfg.EmailKey, address))
	}
	if s.cfg.NamesInData == Attach {
		for parameter, key := range map[string]string{"firstName": "FirstName", "lastName": "LastName"} {
			if name := strings.TrimSpace(c.Params[parameter]); name != "" {
				c.UserData = c.UserData.Set(bridge.Text(key, name))
			}
		}
	}
	for _, item := range who.Join.UserData {
		c.UserData = c.UserData.Set(item)
	}
	return nil
}

// timeZone is the minutes east of UTC that the user data says; 0 if they are none.
func timeZone(d bridge.Data) int64 {
	minutes, err := strconv.ParseInt(strings.TrimSpace(d.Get("TimeZone")), 10, 64)
	if err != nil || minutes < -24*60 || minutes > 24*60 {
		return 0
	}
	return minutes
}

// cannotStart is the error of a chat that Chat Server refused; a client that repeats the request
// gets the same, unless it is the server that has no time.
func cannotStart(err error) error {
	if e := bridge.AsError(err); !e.Retry && e.Code != bridge.CodeTextLength {
		return &refusal{Outcome{Code: CannotStart, Status: StatusFailed, HTTP: 200}, e.Message, e.Hint}
	}
	return err
}
