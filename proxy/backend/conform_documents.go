package backend

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
)

var allowanceCases = []aCase{
	{holds: "a reservation counts once, however often it is made, and its release gives it back", feature: featureAllowances, run: func(t *trial) {
		t.customer()
		key := newKey()
		before := t.used()
		for range 2 {
			need("reserve", t.reserve(key))
		}
		same("the files used", before.UsedFiles+1, t.used().UsedFiles)
		same("the bytes used", before.UsedTotalSize+1, t.used().UsedTotalSize)
		for range 2 {
			need("release", t.once(http.MethodDelete, at(pathReserve, t.session, "carol", key), nil, nil))
		}
		same("the files used after the release", before.UsedFiles, t.used().UsedFiles)
	}},
	{holds: "the notice spends the reservation of its key: together they count once, and a release gives nothing back", feature: featureAllowances, run: func(t *trial) {
		t.customer()
		n := notice("a.pdf", 1)
		before := t.used()
		need("reserve", t.reserve(n.Key))
		t.post("carol", n)
		same("the files used", before.UsedFiles+1, t.used().UsedFiles)
		need("release", t.once(http.MethodDelete, at(pathReserve, t.session, "carol", n.Key), nil, nil))
		same("the files used after the release", before.UsedFiles+1, t.used().UsedFiles)
	}},
	{holds: "the key of a message holds no place: to reserve it is refused with upload-conflict", feature: featureAllowances, run: func(t *trial) {
		t.customer()
		m := message("hello")
		before := t.used()
		t.post("carol", m)
		refused("a reservation under a message's key", bridge.CodeUploadConflict, t.reserve(m.Key))
		same("the files used", before.UsedFiles, t.used().UsedFiles)
		n := notice("a.pdf", 1)
		t.post("carol", n)
		err := t.once(http.MethodPut, at(pathReserve, t.session, "carol", n.Key), wireReservation{"a.pdf", 2}, nil)
		refused("a reservation for a larger file under an announced one's key", bridge.CodeUploadConflict, err)
	}},
	{holds: "what exceeds a limit is refused with that limit's code", feature: featureAllowances, run: func(t *trial) {
		t.customer()
		l := t.used()
		if l.MaxFileSize == bridge.NoLimit {
			return // nothing is bound
		}
		err := t.once(http.MethodPut, at(pathReserve, t.session, "carol", newKey()), wireReservation{"a.pdf", l.MaxFileSize + 1}, nil)
		code := bridge.CodeFileSize
		if l.MaxFileSize == 0 {
			code = bridge.CodeUploadsOff
		}
		refused("a file larger than the limit", code, err)
	}},
	{holds: "a download is charged once for its key", feature: featureAllowances, run: func(t *trial) {
		t.customer()
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		need("read the notice", err)
		key := newKey()
		for range 2 {
			need("charge", t.once(http.MethodPut, at(pathAttempt, t.session, "carol", key), wireAttempt{f.ID}, nil))
		}
		same("the downloads used", 1, t.used().UsedDownloads)
	}},
}

// customer brings carol in, and an agent, whom the limits may ask for.
func (t *trial) customer() {
	t.join("ann", bridge.Agent)
	t.join("carol", bridge.Client)
}

func (t *trial) used() bridge.Limits {
	var body json.RawMessage
	need("ask for the limits", t.once(http.MethodGet, at(pathLimits, t.session, "carol"), nil, &body))
	l, err := parseLimits(body)
	need("read the limits", err)
	return l
}

func (t *trial) reserve(key string) error {
	return t.once(http.MethodPut, at(pathReserve, t.session, "carol", key), wireReservation{"a.pdf", 1}, nil)
}

// draft is a document that is not yet anywhere, with its bytes.
func (t *trial) draft(size int) (proxy.Document, []byte) {
	content := make([]byte, size)
	rand.Read(content)
	d := proxy.Document{
		ID: proposal(), Name: "Größe 😀.pdf", MimeType: "application/pdf", Description: "\"for\" the\nfile",
		Size: int64(size), SHA256: sha256.Sum256(content), Created: time.Now().UTC().Truncate(time.Second),
	}
	t.documents = append(t.documents, d.ID)
	return d, content
}

// proposal is an id as the proxy makes them: four digits for the day since
// 2020, and twelve letters and digits.
func proposal() string {
	day := int(time.Since(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
	return fmt.Sprintf("%04d%s", day, random(12))
}

func (t *trial) put(d proxy.Document, content io.Reader) (string, error) {
	return t.putLength(d, content, d.Size)
}

// putLength announces a body of that length; -1 announces none.
func (t *trial) putLength(d proxy.Document, content io.Reader, length int64) (string, error) {
	header, err := encodeDocument(d)
	need("describe the document", err)
	req, err := t.request(t.ctx, http.MethodPut, at(pathDocument, d.ID), content)
	need("make the request", err)
	req.ContentLength = length
	if length == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set(headerDocument, header)
	req.Header.Set("Expect", "100-continue")
	var stored wireStored
	err = t.answer(req, bridge.CodeStorageUnavailable, &stored)
	return stored.ID, err
}

func (t *trial) store(d proxy.Document, content []byte) string {
	id, err := t.put(d, bytes.NewReader(content))
	need("put a document", err)
	t.documents = append(t.documents, id)
	return id
}

// slow is a PUT whose bytes come as the case sends them.
type slow struct {
	body *io.PipeWriter
	left int64
	over chan struct{}
	id   string
	err  error
}

func (t *trial) putSlowly(d proxy.Document) *slow {
	body, writer := io.Pipe()
	s := &slow{body: writer, left: d.Size, over: make(chan struct{})}
	go func() {
		defer close(s.over)
		defer body.Close()
		s.id, s.err = t.put(d, body)
	}()
	return s
}

func (s *slow) write(p []byte) {
	n, _ := s.body.Write(p) // the answer says why it did not take all
	if s.left -= int64(n); s.left == 0 {
		s.body.Close()
	}
}

func awhile(over <-chan struct{}) {
	select {
	case <-over:
	case <-time.After(2 * time.Second):
	}
}

// get fetches a document or a part of it.
func (t *trial) get(id, part string) (*http.Response, []byte, error) {
	req, err := t.request(t.ctx, http.MethodGet, at(pathDocument, id), nil)
	need("make the request", err)
	if part != "" {
		req.Header.Set("Range", "bytes="+part)
	}
	res, err := t.send(req, bridge.CodeStorageUnavailable)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func (t *trial) holds(id string, d proxy.Document, content []byte) {
	res, got, err := t.get(id, "")
	need("get the document", err)
	if !bytes.Equal(got, content) {
		fail("%d bytes came back that are not the %d stored", len(got), len(content))
	}
	described, err := decodeDocument(res.Header.Get(headerDocument))
	need("read the header "+headerDocument, err)
	described.ID = d.ID
	if !described.Created.Equal(d.Created) {
		fail("the time of creation is %s, and it should be %s", described.Created, d.Created)
	}
	described.Created = d.Created
	same("the description", d, described)
}

func (t *trial) missing(id string) {
	_, _, err := t.get(id, "")
	refused("GET of a document that is not there", bridge.CodeDocument, err)
	req, err := t.request(t.ctx, http.MethodHead, at(pathDocument, id), nil)
	need("make the request", err)
	res, err := t.http.Do(req)
	need("HEAD", err)
	finish(res)
	same("the status of HEAD of a document that is not there", http.StatusNotFound, res.StatusCode)
}

func (t *trial) remove(ctx context.Context, id string) error {
	return t.ask(ctx, bridge.CodeStorageUnavailable, http.MethodDelete, at(pathDocument, id), nil, nil)
}

var documentCases = []aCase{
	{holds: "a document comes back as it was put, with its attributes, under an id of at most 16 characters", run: func(t *trial) {
		for _, size := range []int{0, 1, 3<<20 + 1} {
			d, content := t.draft(size)
			id := t.store(d, content)
			if id == "" || len(id) > maxDocumentID {
				fail("the id is %q", id)
			}
			t.holds(id, d, content)
		}
	}},
	{holds: "a document is also found by the id it was proposed under", run: func(t *trial) {
		d, content := t.draft(1000)
		t.store(d, content)
		t.holds(d.ID, d, content)
	}},
	{holds: "Range is answered with that part, and beyond the end with 416", run: func(t *trial) {
		d, content := t.draft(2 << 20)
		id := t.store(d, content)
		for part, want := range map[string][]byte{
			"0-0": content[:1], "1000000-1999999": content[1000000:2000000], "2097151-": content[2097151:], "-100": content[len(content)-100:],
		} {
			res, got, err := t.get(id, part)
			need("get bytes "+part, err)
			same("the status of a part", http.StatusPartialContent, res.StatusCode)
			if !bytes.Equal(want, got) {
				fail("bytes %s are others", part)
			}
		}
		req, err := t.request(t.ctx, http.MethodGet, at(pathDocument, id), nil)
		need("make the request", err)
		req.Header.Set("Range", "bytes=2097152-")
		res, err := t.http.Do(req)
		need("get bytes behind the end", err)
		finish(res)
		same("the status of bytes behind the end", http.StatusRequestedRangeNotSatisfiable, res.StatusCode)
	}},
	{holds: "putting a document again answers the same id, and other bytes under its id upload-conflict", run: func(t *trial) {
		d, content := t.draft(500_000)
		id := t.store(d, content)
		same("the id of the second", id, t.store(d, content))
		other, bytes2 := t.draft(500_000)
		other.ID = d.ID
		_, err := t.put(other, bytes.NewReader(bytes2))
		refused("another document under the same id", bridge.CodeUploadConflict, err)
		t.holds(id, d, content)
	}},
	{holds: "a document that is put while it is being put is one document, and both get its id", run: func(t *trial) {
		d, content := t.draft(3 << 20)
		first := t.putSlowly(d)
		first.write(content[:2<<20])
		second := t.putSlowly(d)
		begun := make(chan struct{})
		go func() { second.write(content[:1<<20]); close(begun) }()
		awhile(begun) // a backend may as well let the second wait for the first
		first.write(content[2<<20:])
		awhile(first.over)
		<-begun
		second.write(content[1<<20:])
		for _, put := range []*slow{first, second} {
			<-put.over
			if unavailable(put.err) {
				// Who knows the document need not take its bytes, and a connection
				// that breaks while they are sent may take the answer with it.
				put.id, put.err = t.put(d, bytes.NewReader(content))
			}
			need("put what is being put", put.err)
			same("the id", first.id, put.id)
		}
		t.documents = append(t.documents, first.id)
		t.holds(first.id, d, content)
	}},
	{holds: "bytes that have another digest are refused, and there is no document", run: func(t *trial) {
		d, content := t.draft(300_000)
		content[150_000]++
		_, err := t.put(d, bytes.NewReader(content))
		refused("a document with another digest", bridge.CodeDigest, err)
		t.missing(d.ID)
	}},
	{holds: "a body of another length is refused, and there is no document", run: func(t *trial) {
		d, content := t.draft(300_000)
		for _, body := range [][]byte{content[:len(content)-1], append(content, 0)} {
			_, err := t.putLength(d, bytes.NewReader(body), -1)
			refused(fmt.Sprintf("a body of %d bytes for a document of %d", len(body), d.Size), bridge.CodeDigest, err)
			t.missing(d.ID)
		}
	}},
	{holds: "a body that breaks off leaves no document, and the whole one is taken after it", run: func(t *trial) {
		d, content := t.draft(3 << 20)
		if _, err := t.put(d, io.MultiReader(bytes.NewReader(content[:2<<20]), torn{})); err == nil {
			fail("a body that broke off is answered with an id")
		}
		select { // a backend that takes it for whole needs a moment to
		case <-time.After(time.Second):
		case <-t.ctx.Done():
		}
		t.missing(d.ID)
		t.holds(t.store(d, content), d, content)
	}},
	{holds: "a document that nobody put is unknown", run: func(t *trial) { t.missing(proposal()) }},
	{holds: "a removed document is unknown, and removing it again does nothing", run: func(t *trial) {
		d, content := t.draft(1000)
		id := t.store(d, content)
		for range 2 {
			need("remove", t.remove(t.ctx, id))
			t.missing(id)
		}
		need("remove what never was", t.remove(t.ctx, proposal()))
	}},
}

// torn is a body's end that never comes.
type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, errors.New("torn off by the case") }
