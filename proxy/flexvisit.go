package proxy

import (
	"context"
	"sync"

	"attache/bridge"
)

// FlexVisit is a request of a user that is not one of the protocol's own, such as the upload of
// a file. As long as it lasts the party is present, however long that is. End it.
type FlexVisit struct {
	Who    Identity
	Limits bridge.Limits // of the Chat Server, as [Offer] has them

	flex   *Flex
	user   FlexUser
	joined Joined
	end    func()
}

// Visit is Enter for a request that is answered with a status.
func (f *Flex) Visit(ctx context.Context, u FlexUser) (*FlexVisit, error) {
	who, joined, exit, err := f.Enter(ctx, u)
	if err != nil {
		return nil, err
	}
	f.party(who, joined)
	return &FlexVisit{Who: who, Limits: joined.Limits, flex: f, user: u, joined: joined, end: sync.OnceFunc(exit)}, nil
}

// Status is the answer to the request, with the party's events from a position on.
func (v *FlexVisit) Status(ctx context.Context, from int64) (FlexStatus, error) {
	u := v.user
	u.FromPosition = from
	from, err := v.flex.within(ctx, u, v.joined)
	if err != nil {
		return FlexStatus{}, err
	}
	return v.flex.status(ctx, v.Who, v.joined, from)
}

// End ends the visit. It may be called again.
func (v *FlexVisit) End() { v.end() }
