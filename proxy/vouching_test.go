package proxy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/proxytest"

	"github.com/stretchr/testify/require"
)

// otherServer is a Chat Server and a document store that another server, such as the
// vendor's GMS, uses beside our proxy: its customers never see us.
type otherServer struct {
	*proxytest.Backend
	t      testing.TB
	vouch  bool // marks the notices that the other server posted
	digest bool // the store knows the documents' SHA-256

	mu      sync.Mutex
	ours    map[string]bool   // parties that the proxy registered
	content map[string][]byte // instead of the store's
}

// beyond starts the backend, and a proxy in front of it.
func beyond(t testing.TB, o *otherServer, set ...proxytest.Change) *world {
	t.Helper()
	limits := bridge.Unlimited()
	o.t, o.Backend = t, proxytest.StartBackend(t, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	o.ours, o.content = map[string]bool{}, map[string][]byte{}
	options := o.Options
	options.Chat, options.Vouches, options.Documents = &otherChat{o.Chat, o}, o.vouch, &otherStore{options.Documents, o}
	handler, err := backend.NewHandler(options)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(func() { handler.Close(); server.CloseClientConnections(); server.Close() })
	client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: server.URL, Secret: []byte(proxytest.Secret)})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	all := append([]proxytest.Change{func(a *assembly.Options) { a.Elsewhere, a.Proxy.HelloTimeout = assembly.OfBackend(client), wait }}, set...)
	w := &world{World: proxytest.Start(t, all...), t: t}
	w.agent = w.Token("s1", "alice", bridge.Agent, bridge.AllRights...)
	w.customer = w.Token("s1", "carol", bridge.Client, bridge.AllRights...)
	return w
}

// announce joins a customer by the other server, stores a document there and posts its notice.
func (o *otherServer) announce(user, name string, content []byte, change ...func(*bridge.Event)) (fileID, documentID string) {
	o.t.Helper()
	p := bridge.Party{UserID: user, Nickname: user, UserType: bridge.Client}
	require.NoError(o.t, p.Check())
	_, err := o.Chat.Join(o.t.Context(), "s1", proxy.Joining{Party: p})
	require.NoError(o.t, err)
	d := proxy.Document{ID: o.Store.NewID(), Name: name, Size: int64(len(content)), SHA256: sha256.Sum256(content)}
	id, err := o.Options.Documents.Put(o.t.Context(), d, bytes.NewReader(content))
	require.NoError(o.t, err)
	e := bridge.Announcement{Name: name, Size: d.Size, DocumentID: id}.Notice(bridge.All)
	for _, f := range change {
		f(&e)
	}
	stored, err := o.Chat.Post(o.t.Context(), "s1", user, e)
	require.NoError(o.t, err)
	return stored.Data.Get(bridge.KeyFileID), id
}

// replace changes a document behind everybody's back.
func (o *otherServer) replace(id string, content []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.content[id] = content
}

func (o *otherServer) marked(e bridge.Event) bridge.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	e.Vouched = e.IsFile() && !o.ours[e.From.UserID]
	return e
}

// otherChat marks what the other server posted.
type otherChat struct {
	*chat.Server
	o *otherServer
}

func (c *otherChat) Join(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
	c.o.mu.Lock()
	c.o.ours[j.UserID] = true
	c.o.mu.Unlock()
	return c.Server.Join(ctx, session, j)
}

func (c *otherChat) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	return c.Server.Events(ctx, session, userID, position, func(e bridge.Event) error { return deliver(c.o.marked(e)) })
}

func (c *otherChat) EventsAndInfo(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error {
	return c.Server.EventsAndInfo(ctx, session, userID, position, func(e bridge.Event) error { return deliver(c.o.marked(e)) }, inform)
}

func (c *otherChat) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	e, err := c.Server.File(ctx, session, userID, fileID)
	return c.o.marked(e), err
}

// otherStore may not know a digest, and its documents may change.
type otherStore struct {
	backend.Store
	o *otherServer
}

func (s *otherStore) Open(ctx context.Context, id string) (proxy.Content, error) {
	content, err := s.Store.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	d := content.Document()
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if !s.o.digest {
		d.SHA256 = [32]byte{}
	}
	if other, ok := s.o.content[id]; ok {
		content.Close()
		d.Size = int64(len(other))
		if s.o.digest {
			d.SHA256 = sha256.Sum256(other)
		}
		return &otherContent{struct {
			io.ReadSeeker
			io.Closer
		}{bytes.NewReader(other), io.NopCloser(nil)}, d}, nil
	}
	return &otherContent{content, d}, nil
}

type otherContent struct {
	io.ReadSeekCloser
	d proxy.Document
}

func (c *otherContent) Document() proxy.Document { return c.d }

// A customer of another server announces a file without our key, as the vendor's widget does
// through GMS. Only a declaration makes it downloadable.
func TestT15CustomersFileOfAnotherServer(t *testing.T) {
	t.Parallel()
	const reason = "the file was not sent through this service"
	trust := func(o *assembly.Options) { o.Proxy.TrustCustomerFiles = true }
	for name, c := range map[string]struct {
		digest, vouch bool
		change        []proxytest.Change
		want          bool
	}{
		"nobody vouches":                            {true, false, nil, false},
		"the backend vouches":                       {true, true, nil, true},
		"the backend vouches and knows no SHA-256":  {false, true, nil, true},
		"the option trusts customers":               {true, false, []proxytest.Change{trust}, true},
		"the option trusts customers, no SHA-256":   {false, false, []proxytest.Change{trust}, true},
		"the backend marks, but lacks the feature":  {true, false, []proxytest.Change{claims}, false},
		"the feature without a registry is nothing": {true, true, []proxytest.Change{proxytest.Set(func(c *proxy.Config) { c.Registry = nil })}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := &otherServer{digest: c.digest, vouch: c.vouch}
			w := beyond(t, other, c.change...)
			agent, _ := w.join(w.agent)
			content := random(300_000)
			id, _ := other.announce("gus", "a.pdf", content)
			e := await(agent, func(m *bridge.EventAdded) bool { return m.Event.IsFile() }).Event
			if !c.want {
				require.Equal(t, &bridge.Access{Reason: reason}, e.Access)
				agent.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
				require.Equal(t, bridge.CodeFileUnknown, agent.refused())
				return
			}
			require.Equal(t, &bridge.Access{Download: true}, e.Access)
			require.False(t, e.Vouched, "that is between the servers")
			agent.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
			ticket := await(agent, anything[*bridge.Ticket])
			require.EqualValues(t, len(content), ticket.Size)
			require.Equal(t, other.digest, ticket.Digest == sum(content), ticket.Digest)
			got, h := w.fetch(ticket.Path, nil, http.StatusOK)
			require.Equal(t, content, got)
			got, _ = w.fetch(ticket.Path, http.Header{"Range": {"bytes=100000-"}}, http.StatusPartialContent)
			require.Equal(t, content[100_000:], got)
			for _, promise := range []string{"Etag", "Last-Modified"} {
				require.Equal(t, other.digest, h.Get(promise) != "", promise)
			}
		})
	}
}

// claims makes the proxy's Chat Server mark everything, whatever the backend says.
var claims = proxytest.Set(func(c *proxy.Config) { c.Chat = markingChat{c.Chat} })

type markingChat struct{ proxy.ChatServer }

func (c markingChat) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	e, err := c.ChatServer.File(ctx, session, userID, fileID)
	e.Vouched = true
	return e, err
}

// A customer of ours has posted a notice behind our back; the backend vouches for it all the
// same. The customer may have left since, and the proxy may have been restarted.
func TestT15BackendThatVouchesForOurCustomerIsNotBelieved(t *testing.T) {
	t.Parallel()
	other := &otherServer{digest: true, vouch: true}
	w := beyond(t, other, func(o *assembly.Options) { o.Proxy.TrustCustomerFiles = true })
	agent, _ := w.join(w.agent)
	eve, _ := w.join(w.Token("s1", "eve", bridge.Client, bridge.AllRights...))
	other.mu.Lock()
	other.ours = map[string]bool{} // the fault
	other.mu.Unlock()
	id, _ := other.announce("eve", "stolen.pdf", []byte("secret"), func(e *bridge.Event) { e.Access = &bridge.Access{Download: true} })
	refused := func(w *world, agent *page) {
		e := await(agent, func(m *bridge.EventAdded) bool { return m.Event.IsFile() }).Event
		require.False(t, e.Access.Download)
		agent.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
		require.Equal(t, bridge.CodeFileUnknown, agent.refused())
	}
	refused(w, agent)
	eve.send(&bridge.Leave{Ref: 1})
	await(eve, anything[*bridge.Done])
	w.Crash()
	again := &world{World: w.Another(), t: t}
	agent, _ = again.join(w.agent)
	refused(again, agent)
}

// Without a digest, nothing promises that a later part is of the same content.
func TestDocumentWithoutADigestIsNotResumedLate(t *testing.T) {
	t.Parallel()
	other := &otherServer{vouch: true}
	w := beyond(t, other, func(o *assembly.Options) { o.Proxy.TicketTime = 1 }) // expired at once
	agent, _ := w.join(w.agent)
	id, _ := other.announce("gus", "a.pdf", []byte("hello"))
	path := w.ticket(agent, id)
	for name, h := range map[string]http.Header{
		"no condition":       {"Range": {"bytes=1-"}},
		"an empty tag":       {"Range": {"bytes=1-"}, "If-Range": {`""`}},
		"a tag of zeros":     {"Range": {"bytes=1-"}, "If-Range": {`"` + strings.Repeat("0", 64) + `"`}},
		"the content's hash": {"Range": {"bytes=1-"}, "If-Range": {`"` + sum([]byte("hello")) + `"`}},
	} {
		t.Run(name, func(t *testing.T) {
			body, _ := w.fetch(path, h, http.StatusGone)
			require.Contains(t, string(body), bridge.CodeTicketExpired)
			require.Contains(t, string(body), "checksum")
		})
	}
}

// Every path to a customer's page hides the store's keys: the transcript, the answer to a
// request, and an upload's event.
func TestCustomersGetNoKeyOfTheStore(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]bool{"hidden": false, "shown by the option": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *proxy.Config) { c.ShowDocumentIDs = shown })
			check := func(e bridge.Event, customer bool) {
				t.Helper()
				require.True(t, e.Access.Download)
				for _, key := range []string{bridge.KeyFileSource, bridge.KeyDocumentID} {
					_, has := e.Data.Lookup(key)
					require.Equal(t, shown || !customer, has, key)
				}
			}
			customer, _ := w.join(w.customer)
			agent, _ := w.join(w.agent)
			o := &bridge.Offer{Key: newKey(), Name: "a.txt", Size: 1}
			customer.offer(o)
			w.data(w.customer).frame(o.Key, 0, []byte("x"))
			var event, upload *bridge.Event
			for event == nil || upload == nil {
				switch m := customer.next().(type) {
				case *bridge.EventAdded:
					if m.Event.IsFile() {
						event = &m.Event
					}
				case *bridge.Upload:
					upload = m.Event
				}
			}
			check(*event, true)
			check(*upload, true)
			check(await(agent, func(m *bridge.EventAdded) bool { return m.Event.IsFile() }).Event, false)
			file, err := bridge.DecodeFile(*event)
			require.NoError(t, err)
			got, _ := w.fetch(w.ticket(customer, file.ID), nil, http.StatusOK)
			require.Equal(t, "x", string(got))
			late, _ := w.join(w.Token("s1", "cleo", bridge.Client, bridge.AllRights...))
			check(await(late, func(m *bridge.EventAdded) bool { return m.Event.IsFile() }).Event, true)
		})
	}
}
