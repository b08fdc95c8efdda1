package proxy_test

import (
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/limits"

	"github.com/stretchr/testify/require"
)

// liveWorld is a world whose limits may change.
func liveWorld(t *testing.T) *world {
	t.Helper()
	base := limits.Standard()
	return newWorldWith(t, func(o *assembly.Options) { o.Limits = &base })
}

// change sets options at this proxy.
func (w *world) change(settings ...string) {
	w.t.Helper()
	d, err := w.Limits.Read(w.t.Context())
	require.NoError(w.t, err)
	for i := 0; i < len(settings); i += 2 {
		require.NoError(w.t, d.Settings.Set(settings[i], settings[i+1]))
	}
	_, err = w.Limits.Change(w.t.Context(), d.Revision, d.Settings, "test")
	require.NoError(w.t, err)
}

// Every page of a session learns of a change at once, also an idle one at another proxy, and
// the change binds what is offered after it. Zero disables, a size equal to its limit passes.
func TestLimits_AChangeReachesEveryPage(t *testing.T) {
	t.Parallel()
	w := liveWorld(t)
	twin := w.another()
	customer, welcome := w.join(w.customer)
	require.EqualValues(t, 3, welcome.Limits.MaxFiles)
	elsewhere, _ := twin.join(w.customer)
	agent, _ := twin.join(w.agent)

	w.change("upload-max-files", "0", "agent-max-file-size", "5", "agent-file-types", "pdf")
	for _, p := range []*page{customer, elsewhere} {
		await(p, func(m *bridge.LimitsChanged) bool { return m.Limits.MaxFiles == 0 })
	}
	await(agent, func(m *bridge.LimitsChanged) bool { return m.Limits.MaxFileSize == 5 })
	require.Equal(t, bridge.CodeUploadsOff, customer.refusal(&bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 1}))
	require.Equal(t, bridge.CodeFileSize, agent.refusal(&bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 6}))
	require.Equal(t, bridge.CodeFileType, agent.refusal(&bridge.Offer{Key: newKey(), Name: "a.txt", Size: 5}))
	agent.offer(&bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 5})

	twin.change("upload-max-files", "1", "upload-max-file-size", "9")
	await(customer, func(m *bridge.LimitsChanged) bool { return m.Limits.MaxFiles == 1 })
	require.Equal(t, bridge.CodeFileSize, customer.refusal(&bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 10}))
	customer.offer(&bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 9})
}

// refusal sends an offer and returns why it was refused.
func (p *page) refusal(o *bridge.Offer) bridge.Code {
	p.t.Helper()
	p.send(o)
	return await(p, func(m *bridge.Fail) bool { return m.Key == o.Key }).Error.Code
}

// An upload that was allowed when it began ends as if nothing had changed, also after its page
// has lost the connection and offers it again.
func TestLimits_AHeldReservationStays(t *testing.T) {
	t.Parallel()
	w := liveWorld(t)
	customer, _ := w.join(w.customer)
	content, key := random(100<<10), newKey()
	offer := &bridge.Offer{Key: key, Name: "a.pdf", Size: int64(len(content))}
	customer.offer(offer)
	d := w.data(w.customer)
	d.part(key, 0, content[:50<<10])

	w.change("upload-max-files", "0", "upload-max-file-size", "1", "upload-max-total-size", "0", "upload-file-types", "png")
	await(customer, func(m *bridge.LimitsChanged) bool { return m.Limits.MaxFiles == 0 })
	customer, _ = w.join(w.customer)
	accept := customer.offer(offer)
	d.part(key, accept.Offset, content[accept.Offset:])
	f := customer.announced(key)
	require.EqualValues(t, len(content), f.Size)
}

// Files and bytes of agents are counted together with what is on its way.
func TestLimits_AgentsAreCounted(t *testing.T) {
	t.Parallel()
	w := liveWorld(t)
	w.change("agent-max-files", "2")
	agent, welcome := w.join(w.agent)
	require.EqualValues(t, 2, welcome.Limits.MaxFiles)
	first := newKey()
	agent.offer(&bridge.Offer{Key: first, Name: "a.pdf", Size: 10})
	other, _ := w.another().join(w.Token("s1", "ben", bridge.Agent, bridge.AllRights...))
	other.offer(&bridge.Offer{Key: newKey(), Name: "b.pdf", Size: 10})
	require.Equal(t, bridge.CodeFileCount, agent.refusal(&bridge.Offer{Key: newKey(), Name: "c.pdf", Size: 1}))
	agent.send(&bridge.Cancel{Key: first})
	await(agent, func(m *bridge.Upload) bool { return m.State == bridge.Cancelled })
	await(agent, func(m *bridge.LimitsChanged) bool { return m.Limits.UsedFiles == 1 })
	agent.offer(&bridge.Offer{Key: newKey(), Name: "c.pdf", Size: 1})
}

func TestNotify_DeletesAFileAndAnswersTheQuestionForLimits(t *testing.T) {
	t.Parallel()
	w := liveWorld(t)
	customer, _ := w.join(w.customer)
	agent, _ := w.another().join(w.agent)
	f := w.upload(customer, w.data(w.customer), "a.pdf", random(1000))
	ask := func(ref int64) bridge.Data {
		done, refused := customer.answer(&bridge.Notify{Ref: ref, Notice: bridge.SystemCommand, Text: bridge.FileConfig}, ref)
		require.Nil(t, refused)
		require.True(t, done.Event.Transient())
		return done.Event.Data
	}
	require.Equal(t, "1", ask(1).Get("used-upload-max-files"))

	m := &bridge.Notify{
		Ref: 2, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.FileDeleted,
		Data: bridge.Data{bridge.Text(bridge.KeyFileID, f.ID)},
	}
	done, refused := customer.answer(m, 2)
	require.Nil(t, refused)
	require.Equal(t, f.ID, done.Event.Deletes())
	e := await(agent, func(m *bridge.EventAdded) bool { return m.Event.Deletes() == f.ID }).Event
	require.Equal(t, done.Event.ID, e.ID)
	agent.send(&bridge.Ask{Ref: 9, File: f.ID, Attempt: newKey()})
	require.Equal(t, bridge.CodeFileUnknown, await(agent, func(m *bridge.Fail) bool { return m.Ref == 9 }).Error.Code)
	data := ask(3)
	require.Equal(t, "0", data.Get("used-upload-max-files"))
	require.Equal(t, "0", data.Get("used-upload-max-total-size"))

	m.Ref = 4
	again, refused := customer.answer(m, 4)
	require.Nil(t, refused)
	require.Equal(t, done.Event.ID, again.Event.ID)
	_, refused = agent.answer(&bridge.Notify{Ref: 5, Key: newKey(), Notice: m.Notice, Text: m.Text, Data: m.Data}, 5)
	require.Equal(t, bridge.CodeFileUnknown, refused.Code, "another party finds none that it could delete")
}

// A front door without a socket gets the same answer from a function.
func TestFileConfig_HasTheScannersBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MaxFileSize = 1000 })
	_, welcome := w.join(w.customer)
	who := w.party("carol", bridge.Client)
	d, err := w.Proxy.Transfers().FileConfig(t.Context(), who, welcome.Limits)
	require.NoError(t, err)
	require.Len(t, d, 10)
	require.Equal(t, "1000", d.Get("upload-max-file-size"))
}
