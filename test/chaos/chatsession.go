package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"attache/bridge"
	"attache/test/chaos/bugs"
	"attache/test/chaos/oracle"
	"attache/wasm/page"
)

// maxSize is the size of the largest file.
const maxSize = 8 << 20

// field is a set of proxies and the journal of everything that was sent to them.
type field struct {
	*lab
	address  func(random *rand.Rand) string // called at each connect
	journal  *journal
	findings *findings
	moments  *moments
	files    *plainFiles   // nil: there are none
	oracles  bool          // the agent's page is an oracle
	onSight  bool          // the customer's page downloads each file when it is announced
	drain    time.Duration // longest time to a final state after the last recovery
}

// field returns a new field of the proxies at those addresses.
func (l *lab) field(found *findings, addresses ...string) *field {
	return &field{
		lab: l, address: anyOf(addresses), journal: newJournal(), findings: found, moments: newMoments(), drain: settleTimeout,
	}
}

func anyOf(addresses []string) func(*rand.Rand) string {
	return func(random *rand.Rand) string { return addresses[random.IntN(len(addresses))] }
}

// chatSession is one chat session of the checker, with an agent's and a customer's page.
type chatSession struct {
	*field
	session string
	pages   []party
	users   []string
	sights  chan bridge.Event // file notices of the customer's page
}

// open joins both parties.
func (f *field) open(session string) (*chatSession, error) {
	r := &chatSession{field: f, session: session, sights: make(chan bridge.Event, 4096)}
	for party, kind := range []bridge.UserType{bridge.Agent, bridge.Client} {
		user := strings.ToLower(string(kind))
		o, err := r.options(user, kind, pageRef{r, party})
		if err != nil {
			r.close()
			return nil, err
		}
		r.users = append(r.users, user)
		if kind == bridge.Agent && f.oracles {
			r.pages = append(r.pages, oracle.Open(o))
			continue
		}
		r.pages = append(r.pages, page.Open(o))
	}
	return r, nil
}

// party is a party's page: the client that ships, or the oracle.
type party interface {
	Send(ctx context.Context, u *page.Upload) error
	Sights() []page.Sight
	CatchUp(ctx context.Context, event int64) error
	End(ctx context.Context) error
	Cut()
	Close()
}

// page returns a party's page, which is not an oracle.
func (r *chatSession) page(party int) *page.Page { return r.pages[party].(*page.Page) }

func (r *chatSession) enter(user string, kind bridge.UserType, at pageRef) (*page.Page, error) {
	o, err := r.options(user, kind, at)
	if err != nil {
		return nil, err
	}
	return page.Open(o), nil
}

// options are what a page is opened with.
func (r *chatSession) options(user string, kind bridge.UserType, at pageRef) (o page.Options, err error) {
	token, err := r.token(r.session, user, kind)
	if err != nil {
		return o, err
	}
	watch := r.onSight && kind == bridge.Client
	random := r.random(fmt.Sprintf("addresses/%s/%s", r.session, user))
	return page.Options{
		Address: func() string { return r.address(random) }, Token: token, Origin: origin, Module: true,
		Heard: func(key string, m *bridge.Upload) {
			if m.State == bridge.Accepted {
				r.moments.came(bugs.Accepted, at)
			}
			r.whose(key, user)
			r.journal.heard(key, m)
		},
		Asked: func(key string) {
			r.findings.add(forgotten, "%s was accepted, but the proxy asked for bytes of it", key)
		},
		Saw: func(e bridge.Event) {
			if e.IsFile() {
				r.whose(e.Key, "")
				r.moments.came(bugs.Announced, at)
			}
			r.journal.saw(r.session, user, e)
			if watch && e.IsFile() {
				select {
				case r.sights <- e:
				default:
				}
			}
		},
	}, nil
}

func (r *chatSession) close() {
	for _, p := range r.pages {
		p.Close()
	}
}

// end ends the chat session; its files are not needed any more.
func (r *chatSession) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r.pages[0].End(ctx)
	r.close()
}

// draft makes a random file of that size and the intent to send it. Unless mustFail is
// empty, the file must fail with that code.
func (r *chatSession) draft(random *rand.Rand, party int, size int64, mustFail bridge.Code) (*intent, *page.Upload) {
	var key bridge.Key
	for i := range key {
		key[i] = byte(random.Uint32())
	}
	content := make([]byte, size)
	var seed [32]byte
	copy(seed[:], key[:])
	rand.NewChaCha8(seed).Read(content)
	if mustFail == bridge.CodeInfected {
		copy(content, bugs.Infected)
	}
	i := &intent{
		key: key.String(), session: r.session, user: r.users[party],
		name: fmt.Sprintf("f-%s.bin", key.String()[:8]), size: size, digest: sha256.Sum256(content), mustFail: mustFail,
	}
	u := &page.Upload{Key: i.key, Name: i.name, Content: content}
	if random.IntN(2) == 0 {
		u.Digest = hex.EncodeToString(i.digest[:])
	}
	if mustFail == bridge.CodeDigest {
		other := sha256.Sum256(i.digest[:])
		u.Digest = hex.EncodeToString(other[:])
	}
	return i, u
}

// send sends a file until it is accepted, and records the outcome.
func (r *chatSession) send(ctx context.Context, party int, i *intent, u *page.Upload) error {
	r.journal.mean(i)
	at, sent := pageRef{r, party}, u.Sent
	u.Sent = func(bytes int64) {
		r.moments.came(bugs.Sent, at)
		if sent != nil {
			sent(bytes)
		}
	}
	u.Acked = func() { r.moments.came(bugs.Acked, at) }
	u.Broken = func(b page.Breach) { r.findings.add(breaches[b], "%s of %d bytes: %s", i.key, i.size, b) }
	err := r.pages[party].Send(ctx, u)
	u.Content = nil
	r.journal.sent(i, u)
	if err != nil {
		r.findings.add(incomplete, "%s of %d bytes: %v", i.key, i.size, err)
	}
	return err
}

// breaches maps a breach that a page noticed to the promise that it breaks.
var breaches = map[page.Breach]kind{
	page.Beyond: beyondWindow, page.Regressed: regressed, page.Mixed: corrupted, page.Forgotten: forgotten,
}

// watch downloads each file when the customer's page gets its notice, because an
// announced file can be downloaded.
func (r *chatSession) watch(ctx context.Context) {
	var fetching sync.WaitGroup
	defer fetching.Wait()
	for {
		select {
		case e := <-r.sights:
			fetching.Go(func() { r.fetchOnSight(ctx, e) })
		case <-ctx.Done():
			return
		}
	}
}

func (r *chatSession) fetchOnSight(ctx context.Context, e bridge.Event) {
	f, err := bridge.DecodeFile(e)
	if err != nil {
		return // verify reports it
	}
	got, err := r.page(1).Download(ctx, f.ID, freshKey())
	i := r.journal.find(f.Key)
	if i == nil || i.session != r.session {
		return // whose has reported it
	}
	if i.mustFail == bridge.CodeInfected && err == nil {
		r.findings.add(unscanned, "%s is infected, but can be downloaded", f.Key)
	}
	if code := bridge.CodeOf(err); code != "" {
		r.findings.add(premature, "%s was announced, but its download answered %s", f.Key, code)
	}
	if err == nil && got.SHA256 != i.digest {
		r.findings.add(corrupted, "%s had other content right after it was announced", f.Key)
	}
}

// logUniform draws a size from least to most bytes, each power of two equally likely.
func logUniform(random *rand.Rand, least, most int64) int64 {
	return min(int64(float64(least)*math.Exp(random.Float64()*math.Log(float64(most+1)/float64(least)))), most)
}
