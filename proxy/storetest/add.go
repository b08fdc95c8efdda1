package storetest

import (
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var addCases = []storeCase{
	{name: "a document without a type has application/octet-stream", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		d := document(s.NewID(), content)
		d.MimeType = ""
		w, err := s.Begin(t.ctx, d, 0)
		require.NoError(t, err)
		write(t, w, content, 400)
		for range 2 {
			_, err = s.Add(t.ctx, d)
			require.NoError(t, err)
			r, err := s.Open(t.ctx, d.ID)
			require.NoError(t, err)
			require.Equal(t, "application/octet-stream", r.Document().MimeType)
			require.NoError(t, r.Close())
		}
	}},
	{name: "a document is exactly the bytes that were staged", body: func(t *T) {
		s := t.open(Options{})
		const chunk = 64 << 10
		for name, size := range map[string]int{
			"empty": 0, "one byte": 1, "one less than a chunk": chunk - 1, "a chunk": chunk,
			"one more than a chunk": chunk + 1, "several chunks": 4 * chunk, "several chunks and a bit": 4*chunk + 17,
		} {
			content := random(size)
			same(t, content, read(t, s, put(t, s, content, chunk)), name)
		}
	}},
	{name: "a document comes back as Add described it", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for name, change := range map[string]func(*proxy.Document){
			"as it is":             func(*proxy.Document) {},
			"no attributes":        func(d *proxy.Document) { d.Name, d.MimeType, d.Description = "", "", "" },
			"names that are paths": func(d *proxy.Document) { d.Name, d.MimeType = "../../etc/passwd", "../.." },
			"quotes and breaks":    func(d *proxy.Document) { d.Name, d.Description = "\"a\"\n\\<b>&\u2028.pdf", "{\"id\":1}\n\t" },
			"NUL":                  func(d *proxy.Document) { d.Name, d.Description = "a\x00b", "\x00" },
			"a long description":   func(d *proxy.Document) { d.Description = strings.Repeat("ü", 4000) },
			"256 characters": func(d *proxy.Document) {
				d.Name, d.MimeType = strings.Repeat("😀", 256), strings.Repeat("x", 256)
			},
			"another time zone": func(d *proxy.Document) {
				d.Created = time.Date(2026, 11, 20, 1, 2, 3, 999_999_999, time.FixedZone("", 3600))
			},
		} {
			id := stage(t, s, content, 400)
			d := document(id, content)
			change(&d)
			_, err := s.Add(t.ctx, d)
			require.NoError(t, err, name)
			described(t, s, d.Typed())
		}
	}},
	{name: "a document without a time of creation gets the store's", body: func(t *T) {
		now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		s := t.open(Options{Now: func() time.Time { return now }})
		id := stage(t, s, nil, 1)
		d := document(id, nil)
		d.Created = time.Time{}
		_, err := s.Add(t.ctx, d)
		require.NoError(t, err)
		d.Created = now
		described(t, s, d)
	}},
	{name: "until Add has returned, the document does not exist for Open", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := s.NewID()
		unknown(t, s, id)
		w := begin(t, s, id, content, 0)
		unknown(t, s, id)
		write(t, w, content[:600], 300)
		unknown(t, s, id)
		write(t, w, content[600:], 300)
		unknown(t, s, id)
		require.NoError(t, w.Close())
		unknown(t, s, id)
		same(t, content, staged(t, s, id), "the staged content")
		unknown(t, s, id)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "T18: Add refuses what was not staged, and the content is unharmed", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for name, test := range map[string]struct {
			change func(d *proxy.Document)
			code   bridge.Code
		}{
			"a size that is too small":        {func(d *proxy.Document) { d.Size-- }, bridge.CodeDigest},
			"a size that is too large":        {func(d *proxy.Document) { d.Size++ }, bridge.CodeDigest},
			"a negative size":                 {func(d *proxy.Document) { d.Size = -1 }, bridge.CodeDigest},
			"another digest":                  {func(d *proxy.Document) { d.SHA256[31]++ }, bridge.CodeDigest},
			"no digest":                       {func(d *proxy.Document) { d.SHA256 = [32]byte{} }, bridge.CodeDigest},
			"content that was not staged":     {func(d *proxy.Document) { d.ID = s.NewID() }, bridge.CodeDigest},
			"a name of 257 characters":        {func(d *proxy.Document) { d.Name = strings.Repeat("ü", 257) }, bridge.CodeNameLength},
			"a type of 257 characters":        {func(d *proxy.Document) { d.MimeType = strings.Repeat("x", 257) }, bridge.CodeFileType},
			"an empty file that is not empty": {func(d *proxy.Document) { *d = document(d.ID, nil) }, bridge.CodeDigest},
		} {
			id := stage(t, s, content, 300)
			d := document(id, content)
			test.change(&d)
			_, err := s.Add(t.ctx, d)
			mustRefuse(t, test.code, err, name)
			unknown(t, s, id)
			unknown(t, s, d.ID)
			add(t, s, id, content)
			same(t, content, read(t, s, id), name)
		}
	}},
	{name: "Add makes no document of a part, also while the rest is under way", body: func(t *T) {
		s := t.open(Options{})
		content := random(30 * 1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:10_000], 1000)
		_, err := s.Add(t.ctx, document(id, content))
		mustRefuse(t, bridge.CodeDigest, err, "a part")
		unknown(t, s, id)
		f := newFlight(t)
		for rest := content[10_000:]; len(rest) > 0; rest = rest[1000:] {
			require.NoError(t, f.append(w, rest[:1000]))
			if len(rest) == 10_000 {
				_, err := s.Add(t.ctx, document(id, content))
				mustRefuse(t, bridge.CodeDigest, err, "while more is under way")
			}
		}
		if _, err := s.Add(t.ctx, document(id, content)); err != nil {
			mustRefuse(t, bridge.CodeDigest, err)
			unknown(t, s, id)
		} else {
			same(t, content, read(t, s, id), "the document")
		}
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "repeating Add is safe", body: func(t *T) {
		s := t.open(Options{})
		for _, content := range [][]byte{random(1000), nil} {
			id := put(t, s, content, 400)
			for range 3 {
				add(t, s, id, content)
				same(t, content, read(t, s, id), "the document")
			}
			_, err := s.Add(t.ctx, document(id, random(999)))
			mustRefuse(t, bridge.CodeDigest, err, "other content")
			same(t, content, read(t, s, id), "the document after other content was refused")
		}
	}},
	{name: "repeating Add in another process is safe", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := put(t, s, content, 400)
		add(t, t.beside(s, Options{}), id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "a repeated Add replaces the description", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := put(t, s, content, 400)
		d := document(id, content)
		d.Name, d.MimeType, d.Description, d.Created = "b.txt", "text/plain", "", time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
		for range 2 {
			_, err := s.Add(t.ctx, d)
			require.NoError(t, err)
			described(t, s, d)
		}
		s = t.reopen(s, Options{})
		described(t, s, d)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "several Adds of one document at once make one document", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for range 5 {
			id := stage(t, s, content, 400)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, err := s.Add(t.ctx, document(id, content)); err != nil {
						t.Errorf("add: %v", err)
					}
				})
			}
			all.Wait()
			same(t, content, read(t, s, id), "the document")
		}
	}},
	{name: "Add after the writer was superseded finds its content", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := stage(t, s, content, 400)
		begin(t, s, id, content, -1)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "Add after another process took the right to write finds the content", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := stage(t, s, content, 400)
		begin(t, t.beside(s, Options{}), id, content, -1)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "every process reads a new document at once", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		other := t.beside(s, Options{})
		content := random(10_000)
		for range 10 {
			same(t, content, read(t, other, put(t, s, content, 3000)), "the document")
		}
	}},
	{name: "a writer that is still open cannot change the document", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content, 400)
		add(t, s, id, content)
		_ = refused(t, w, random(500)) // a caller's mistake
		same(t, content, read(t, s, id), "the document")
		require.NoError(t, w.Close())
		same(t, content, read(t, s, id), "the document after Close")
	}},
	{name: "Settle returns once an added document is durable, and does not know others", body: func(t *T) {
		s := t.open(Options{})
		settler, ok := s.Store.(proxy.Settler)
		if !ok {
			return // Add returns once the document is durable
		}
		content := random(1000)
		id := put(t, s, content, 400)
		for range 2 {
			require.NoError(t, settler.Settle(t.ctx, id))
		}
		mustRefuse(t, bridge.CodeDocument, settler.Settle(t.ctx, s.NewID()), "an unknown id")
		mustRefuse(t, bridge.CodeDocument, settler.Settle(t.ctx, stage(t, s, content, 400)), "an upload")
		s = t.reopen(s, Options{})
		settler = s.Store.(proxy.Settler)
		require.NoError(t, settler.Settle(t.ctx, id), "after a restart")
		require.NoError(t, s.Remove(t.ctx, id))
		mustRefuse(t, bridge.CodeDocument, settler.Settle(t.ctx, id), "a removed document")
	}},
}

// described fails unless the document is described as d.
func described(t *T, s Store, d proxy.Document) {
	t.Helper()
	c, err := s.Open(t.ctx, d.ID)
	require.NoError(t, err)
	defer c.Close()
	got := c.Document()
	require.True(t, d.Created.Equal(got.Created), "created at %s, but should be at %s", got.Created, d.Created)
	got.Created = d.Created
	require.Equal(t, d, got)
}
