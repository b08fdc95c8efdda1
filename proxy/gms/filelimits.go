package gms

import (
	"context"
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// fileLimits returns the limits and their use: ten texts in the user data of messages[0], a
// notice without an index (seen in a capture).
func (s *Server) fileLimits(ctx context.Context, c *Call) (Reply, error) {
	status, err := s.flex.Refresh(ctx, proxy.FlexRefresh{
		FlexUser: c.user(), Notice: &bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileConfig},
	})
	if err != nil {
		return Reply{}, err
	}
	// Clients read the first message.
	events := status.Transcript.Events
	if i := slices.IndexFunc(events, func(e proxy.FlexEvent) bool { return e.IsFileConfig() }); i > 0 {
		answer := events[i]
		copy(events[1:], events[:i])
		events[0] = answer
	}
	r := s.reply(c, status)
	if s.cfg.LimitsAtTop && len(r.Messages) > 0 {
		r.UserData = r.Messages[0].UserData
	}
	return r, nil
}

// deleteFile deletes a file, by the rules of Chat Server: see [proxy.Transfers.Delete].
func (s *Server) deleteFile(ctx context.Context, c *Call) (Reply, error) {
	visit, err := s.flex.Visit(ctx, c.user())
	if err != nil {
		return Reply{}, err
	}
	defer visit.End()
	if _, err := s.transfers.Delete(ctx, visit.Who, c.FileID, ""); err != nil {
		return Reply{}, err
	}
	return s.statusOf(ctx, visit, c), nil
}

// statusOf is the reply to what a visit has done. That stays done, even if the chat has ended
// meanwhile.
func (s *Server) statusOf(ctx context.Context, visit *proxy.FlexVisit, c *Call) Reply {
	status, err := visit.Status(ctx, c.From)
	if err != nil {
		return Reply{ChatID: c.ChatID, UserID: c.UserID, Alias: s.cfg.Alias, ChatEnded: bridge.CodeOf(err) == bridge.CodeSessionEnded}
	}
	return s.reply(c, status)
}
