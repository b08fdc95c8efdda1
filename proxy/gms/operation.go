package gms

import (
	"context"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// operation does one thing for a client.
type operation func(*Server, context.Context, *Call) (Reply, error)

// operations are those of a chat, by the last part of their path.
var operations = map[string]operation{
	"send":        (*Server).send,
	"refresh":     (*Server).refresh,
	"startTyping": notice(func(c *Call) *bridge.Notify { return typing(bridge.TypingStarted, c) }),
	"stopTyping":  notice(func(c *Call) *bridge.Notify { return typing(bridge.TypingStopped, c) }),
	"pushUrl":     notice(func(c *Call) *bridge.Notify { return &bridge.Notify{Notice: bridge.PushURL, Text: c.Params["pushUrl"]} }),
	"updateNickname": notice(func(c *Call) *bridge.Notify {
		return &bridge.Notify{Notice: bridge.UpdateNick, Text: c.Params["nickname"]}
	}),
	"updateData": notice(func(c *Call) *bridge.Notify { return &bridge.Notify{Notice: bridge.UpdateUserData, Data: c.UserData} }),
	"customNotice": notice(func(c *Call) *bridge.Notify {
		return &bridge.Notify{Notice: bridge.UserCustom, Text: c.Params["message"], Data: c.UserData}
	}),
	"readReceipt": notice(func(c *Call) *bridge.Notify {
		return &bridge.Notify{Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Text(bridge.KeyPosition, c.Params["transcriptPosition"])}}
	}),
	"disconnect": (*Server).disconnect,
}

func typing(notice string, c *Call) *bridge.Notify {
	return &bridge.Notify{Notice: notice, Text: bridge.Preview(c.Params["message"])}
}

// notice returns the operation that posts a notice.
func notice(of func(*Call) *bridge.Notify) operation {
	return func(s *Server, ctx context.Context, c *Call) (Reply, error) {
		status, err := s.flex.Refresh(ctx, proxy.FlexRefresh{FlexUser: c.user(), Notice: of(c)})
		return s.reply(c, status), err
	}
}

// send posts a message. One without a text is refused, because it would only be a refresh.
func (s *Server) send(ctx context.Context, c *Call) (Reply, error) {
	if c.Params["message"] == "" {
		return Reply{}, &refusal{Outcome{Code: CannotExecute, Status: StatusRetry, HTTP: http.StatusOK}, "the message is empty", "send the parameter message"}
	}
	return s.refresh(ctx, c)
}

func (s *Server) refresh(ctx context.Context, c *Call) (Reply, error) {
	status, err := s.flex.Refresh(ctx, proxy.FlexRefresh{FlexUser: c.user(), Text: c.Params["message"], MessageType: c.Params["messageType"]})
	return s.reply(c, status), err
}

func (s *Server) disconnect(ctx context.Context, c *Call) (Reply, error) {
	status, err := s.flex.Logout(ctx, proxy.FlexLogout{FlexUser: c.user()})
	return s.reply(c, status), err
}

// reply translates the answer of Chat Server.
func (s *Server) reply(c *Call, f proxy.FlexStatus) Reply {
	t := f.Transcript
	r := Reply{
		Alias: s.cfg.Alias, ChatID: t.Session, UserID: f.UserID, SecureKey: f.SecureKey, ChatEnded: f.Ended,
		NextPosition: s.cfg.next(t.LastPosition, c.From), Monitored: t.Monitored, IdleExpires: s.cfg.idle(t.IdleExpires, time.Now()),
	}
	for _, e := range t.Events {
		r.Messages = append(r.Messages, s.message(e))
	}
	return r
}
