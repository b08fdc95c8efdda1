package proxy_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// cutter is a test double of a store that has just been restarted: it is not sure of any
// byte, so each Begin drops what the sender does not say was acked.
type cutter struct{ proxy.Staging }

func cuts(c *proxy.Config) { c.Staging = cutter{c.Staging} }

func (c cutter) Begin(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
	w, err := c.Staging.Begin(ctx, d, acked)
	if err != nil || acked < 0 || acked >= w.Stored() {
		return w, err
	}
	w.Close()
	stored, err := c.Staged(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	left := make([]byte, acked)
	if _, err := io.ReadFull(stored, left); err != nil {
		return nil, err
	}
	if err := c.Discard(ctx, d.ID); err != nil {
		return nil, err
	}
	if w, err = c.Staging.Begin(ctx, d, 0); err != nil || acked == 0 {
		return w, err
	}
	done := make(chan error, 1)
	if err := w.Append(ctx, left, func(_ int64, err error) { done <- err }); err != nil {
		return nil, err
	}
	return w, <-done
}

func TestOfferBeginsWhereItWasAcked(t *testing.T) {
	t.Parallel()
	const size, stored = 3 * pieceLength, 2 * pieceLength
	at := func(n int64) *int64 { return &n }
	for name, test := range map[string]struct {
		acked *int64
		want  int64
	}{
		"unknown":             {nil, stored},
		"nothing":             {at(0), 0},
		"less than is stored": {at(1000), 1000},
		"what is stored":      {at(stored), stored},
		"a lie: more":         {at(stored + 1), stored},
		"a lie: everything":   {at(size), stored},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, cuts)
			agent, _ := w.join(w.agent)
			d := w.data(w.agent)
			content, key := random(size), newKey()
			offer := &bridge.Offer{Key: key, Name: "a.bin", Size: size}
			agent.offer(offer)
			d.part(key, 0, content[:pieceLength])
			d.part(key, pieceLength, content[pieceLength:stored])

			offer.Acked = test.acked
			accept := agent.offer(offer)
			require.Equal(t, test.want, accept.Offset)
			if test.want > 0 {
				require.Equal(t, sum(content[:test.want]), accept.Digest)
			}
			for from := test.want; from < size; from += pieceLength {
				d.frame(key, from, content[from:min(from+pieceLength, size)])
			}
			got, _ := w.fetch(w.ticket(agent, agent.announced(key).ID), nil, http.StatusOK)
			require.Equal(t, content, got)
		})
	}
}

// A party that lies about what was acked harms its own upload only, even if it uses
// another party's key.
func TestT18LieAboutWhatWasAckedHarmsItsOwnUploadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cuts)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	content, key := random(2*pieceLength), newKey()
	offer := bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))}
	agent.offer(&offer)
	d := w.data(w.agent)
	d.part(key, 0, content[:pieceLength])

	none, beyond := int64(0), offer.Size+1
	lie := offer
	lie.Acked = &none
	customer.send(&lie)
	require.Equal(t, bridge.CodeUploadConflict, customer.refused())
	lie.Acked = &beyond
	customer.send(&lie)
	require.Equal(t, bridge.CodeMessage, customer.refused(), "more than the whole file")
	_, err := w.door("dora", bridge.Agent).transfers.Offer(t.Context(), proxy.Identity{
		Session: "s1", Party: bridge.Party{UserID: "dora", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights,
	}, proxy.Offer{Key: newKey(), Name: "a.bin", Size: 1, Limits: bridge.Unlimited(), Acked: &beyond})
	require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err), "without a socket too")

	d.frame(key, pieceLength, content[pieceLength:])
	got, _ := w.fetch(w.ticket(agent, agent.announced(key).ID), nil, http.StatusOK)
	require.Equal(t, content, got)
}
