package proxy

import (
	"context"

	"attache/bridge"
)

// limitQuestions bounds how many parties' limits are asked for at once after a change, because
// a Chat Server in another process gets a request for each.
const limitQuestions = 64

// askLimits asks the Chat Server for the party's limits, if it owns any, and returns those that
// bind the party. Otherwise the last ones stay.
func (t *Transfers) askLimits(ctx context.Context, who Identity, last bridge.Limits) (bridge.Limits, error) {
	a, ok := t.cfg.Chat.(Allowances)
	if !ok {
		return t.Limits(who, last), nil
	}
	if err := t.questions.Acquire(ctx, 1); err != nil {
		return bridge.Limits{}, err
	}
	defer t.questions.Release(1)
	limits, err := a.Limits(ctx, who.Session, who.Party.UserID)
	return t.Limits(who, limits), err
}

// FileConfig returns the party's limits and their use as file-client-cfg-get is answered:
// ten keys, all of them strings (see [bridge.Limits.ConfigData]). The party must be in its
// session. Without [Allowances] they are those that bind each file.
func (t *Transfers) FileConfig(ctx context.Context, who Identity, joined bridge.Limits) (bridge.Data, error) {
	limits, err := t.askLimits(ctx, who, joined)
	if err != nil {
		return nil, err
	}
	return limits.ConfigData(), nil
}
