package storetest

import (
	"math/rand/v2"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
)

var modelCases = []storeCase{
	{name: "any sequence of calls and restarts ends as in memory", body: func(t *T) {
		m := &modelRun{T: t, whole: t, store: t.open(Options{})}
		if t.hunting { // a planted fault: what leads to it need not be small
			rng := rand.New(rand.NewPCG(3, 7))
			for range 300 {
				m.run(func(_ string, n int) int { return rng.IntN(n) })
			}
			return
		}
		rapid.Check(t, func(rt *rapid.T) {
			m.T = t.under(rt)
			m.run(func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) })
		})
	}},
}

// entry is what one id should have.
type entry struct {
	id       string
	size     int    // as offered; less may be added
	bytes    []byte // appended
	durable  int    // of them; the others may be lost with their process
	begun    bool
	document bool
	unsure   bool         // the process was restarted, and no sender has said what was acked
	writer   proxy.Writer // nil: none that may append
	old      proxy.Writer // a superseded one
}

// modelRun compares the store with entries in memory.
type modelRun struct {
	*T
	whole   *T // whose processes outlive one run
	store   Process
	entries []*entry
	pick    func(label string, n int) int
	serial  int // makes every piece another
}

// run takes some steps on fresh ids. The store keeps what earlier runs left.
func (m *modelRun) run(pick func(label string, n int) int) {
	m.pick, m.entries = pick, nil
	for range 1 + pick("ids", 3) {
		m.entries = append(m.entries, &entry{id: m.store.NewID(), size: pick("size", 3) * 5000})
	}
	steps := []func(*entry){
		m.begin, m.begin, m.append, m.append, m.append, m.append, m.appendByOld, m.close, m.discard,
		m.add, m.add, m.addWrong, m.open, m.staged, m.remove,
	}
	for range 5 + pick("steps", 12) {
		if pick("restart", 60) == 0 {
			m.restart()
			continue
		}
		c := m.entries[pick("id", len(m.entries))]
		steps[pick("step", len(steps))](c)
	}
	for _, c := range m.entries {
		m.begin(c)
		m.open(c)
		m.staged(c)
	}
}

func (m *modelRun) restart() {
	f := newFlight(m.T)
	for _, c := range m.entries {
		if c.writer == nil {
			continue
		}
		for range m.pick("pieces under way", 3) {
			m.appendOne(f, c)
		}
	}
	m.store = m.whole.reopen(m.store, Options{})
	f.land()
	for _, c := range m.entries {
		if c.writer != nil {
			c.durable = int(c.writer.Stored())
		}
		c.writer, c.old = nil, nil
		c.unsure = true
	}
}

func (m *modelRun) begin(c *entry) {
	acked := []int{-1, c.durable, m.pick("acked", c.durable+1)}[m.pick("which ack", 3)]
	d := offer(c.id, nil)
	d.Size = int64(c.size)
	w, err := m.store.Begin(m.ctx, d, int64(acked))
	if c.document {
		mustRefuse(m.T, bridge.CodeUploadConflict, err)
		return
	}
	require.NoError(m, err)
	from := c.durable
	if c.unsure && acked >= 0 {
		from = acked // later bytes may be dropped
	}
	at := int(w.Offset())
	require.GreaterOrEqual(m, at, from, "durable bytes are gone")
	require.LessOrEqual(m, at, len(c.bytes), "more than was appended")
	wholeAt(m.T, w, c.bytes, int64(at))
	if c.writer != nil {
		c.old = c.writer
	}
	c.bytes, c.durable, c.begun, c.writer = c.bytes[:at:at], at, true, w
	c.unsure = c.unsure && acked < 0
}

// appendOne appends a piece, unless all that was offered is there.
func (m *modelRun) appendOne(f *flight, c *entry) {
	p := m.piece()
	p = p[:min(len(p), c.size-len(c.bytes))]
	if len(p) == 0 {
		return
	}
	require.NoError(m, f.append(c.writer, p))
	c.bytes, c.unsure = append(c.bytes, p...), false
	clear(p)
}

// piece returns bytes that no other piece has.
func (m *modelRun) piece() []byte {
	m.serial++
	return random(1 + m.pick("length", 3)*1500 + m.serial%1000)
}

func (m *modelRun) append(c *entry) {
	if c.writer == nil {
		return
	}
	f := newFlight(m.T)
	for range 1 + m.pick("pieces", 3) {
		m.appendOne(f, c)
	}
	for _, r := range f.land() {
		require.NoError(m, r.err)
	}
	c.durable = len(c.bytes)
	wholeAt(m.T, c.writer, c.bytes, int64(c.durable))
}

func (m *modelRun) appendByOld(c *entry) {
	if c.old == nil || c.document {
		return
	}
	mustRefuse(m.T, bridge.CodeSuperseded, refused(m.T, c.old, m.piece()))
}

func (m *modelRun) close(c *entry) {
	if c.old != nil && m.pick("which writer", 2) == 0 {
		require.NoError(m, c.old.Close())
		return
	}
	if c.writer != nil {
		require.NoError(m, c.writer.Close())
		c.writer = nil
	}
}

func (m *modelRun) discard(c *entry) {
	require.NoError(m, m.store.Discard(m.ctx, c.id))
	if c.document {
		return
	}
	if c.writer != nil {
		c.old = c.writer
	}
	c.bytes, c.durable, c.begun, c.writer = nil, 0, false, nil
}

func (m *modelRun) add(c *entry) {
	if c.durable < len(c.bytes) {
		return // how much there is only Begin says
	}
	if !c.begun {
		if len(c.bytes) == 0 {
			return // whether nothing was staged, or an empty file, the store need not know
		}
		panic("content without a Begin")
	}
	add(m.T, m.store, c.id, c.bytes)
	c.document, c.writer, c.old = true, nil, nil
}

func (m *modelRun) addWrong(c *entry) {
	d := document(c.id, c.bytes)
	if m.pick("mistake", 2) == 0 {
		d.Size++
	} else {
		d.SHA256[0]++
	}
	_, err := m.store.Add(m.ctx, d)
	mustRefuse(m.T, bridge.CodeDigest, err)
}

func (m *modelRun) open(c *entry) {
	if !c.document {
		unknown(m.T, m.store, c.id)
		return
	}
	same(m.T, c.bytes, read(m.T, m.store, c.id), "the document")
	described(m.T, m.store, document(c.id, c.bytes))
}

func (m *modelRun) staged(c *entry) {
	if !c.begun {
		nothingStaged(m.T, m.store, c.id)
		return
	}
	got := staged(m.T, m.store, c.id)
	require.GreaterOrEqual(m, len(got), c.durable)
	require.LessOrEqual(m, len(got), len(c.bytes))
	same(m.T, c.bytes[:len(got)], got, "the staged content")
}

func (m *modelRun) remove(c *entry) {
	require.NoError(m, m.store.Remove(m.ctx, c.id))
	if c.document {
		*c = entry{id: c.id, size: c.size}
	}
}
