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

var allowanceCases = []contractCase{
	{name: "a reservation counts once, however often it is made, and a release gives it back", feature: featureAllowances, body: func(t *caseRun) {
		t.joinCustomer()
		key := newKey()
		before := t.used()
		for range 2 {
			must("reserve", t.reserve(key))
		}
		mustEqual("the files used", before.UsedFiles+1, t.used().UsedFiles)
		mustEqual("the bytes used", before.UsedTotalSize+1, t.used().UsedTotalSize)
		for range 2 {
			must("release", t.callOnce(http.MethodDelete, pathOf(pathReserve, t.session, "carol", key), nil, nil))
		}
		mustEqual("the files used after the release", before.UsedFiles, t.used().UsedFiles)
	}},
	{name: "a notice spends the reservation of its key: together they count once, and a release gives nothing back", feature: featureAllowances, body: func(t *caseRun) {
		t.joinCustomer()
		n := notice("a.pdf", 1)
		before := t.used()
		must("reserve", t.reserve(n.Key))
		t.post("carol", n)
		mustEqual("the files used", before.UsedFiles+1, t.used().UsedFiles)
		must("release", t.callOnce(http.MethodDelete, pathOf(pathReserve, t.session, "carol", n.Key), nil, nil))
		mustEqual("the files used after the release", before.UsedFiles+1, t.used().UsedFiles)
	}},
	{name: "a reservation is corrected downwards only, and a notice of the corrected size spends it", feature: featureCorrections, body: func(t *caseRun) {
		t.joinCustomer()
		n := notice("a.pdf", 1)
		before := t.used()
		must("reserve", t.callOnce(http.MethodPut, pathOf(pathReserve, t.session, "carol", n.Key), wireReservation{"a.pdf", 9}, nil))
		mustEqual("the bytes used", before.UsedTotalSize+9, t.used().UsedTotalSize)
		for range 2 {
			must("correct", t.correct(n.Key, 1))
		}
		mustEqual("the files used after the correction", before.UsedFiles+1, t.used().UsedFiles)
		mustEqual("the bytes used after the correction", before.UsedTotalSize+1, t.used().UsedTotalSize)
		mustRefuse("a correction upwards", bridge.CodeUploadConflict, t.correct(n.Key, 2))
		mustEqual("the bytes used after a correction upwards", before.UsedTotalSize+1, t.used().UsedTotalSize)
		t.post("carol", n)
		mustEqual("the files used after the notice", before.UsedFiles+1, t.used().UsedFiles)
		mustEqual("the bytes used after the notice", before.UsedTotalSize+1, t.used().UsedTotalSize)
		must("correct a spent reservation", t.correct(n.Key, 0))
		must("correct an unknown reservation", t.correct(newKey(), 1))
		mustEqual("the bytes used in the end", before.UsedTotalSize+1, t.used().UsedTotalSize)
	}},
	{name: "reserving the key of a message is refused with upload-conflict", feature: featureAllowances, body: func(t *caseRun) {
		t.joinCustomer()
		m := message("hello")
		before := t.used()
		t.post("carol", m)
		mustRefuse("a reservation under a message's key", bridge.CodeUploadConflict, t.reserve(m.Key))
		mustEqual("the files used", before.UsedFiles, t.used().UsedFiles)
		n := notice("a.pdf", 1)
		t.post("carol", n)
		err := t.callOnce(http.MethodPut, pathOf(pathReserve, t.session, "carol", n.Key), wireReservation{"a.pdf", 2}, nil)
		mustRefuse("a reservation for a larger file under an announced one's key", bridge.CodeUploadConflict, err)
	}},
	{name: "a reservation that exceeds a limit is refused with that limit's code", feature: featureAllowances, body: func(t *caseRun) {
		t.joinCustomer()
		l := t.used()
		if l.MaxFileSize == bridge.NoLimit {
			return // there are no limits
		}
		err := t.callOnce(http.MethodPut, pathOf(pathReserve, t.session, "carol", newKey()), wireReservation{"a.pdf", l.MaxFileSize + 1}, nil)
		code := bridge.CodeFileSize
		if l.MaxFileSize == 0 {
			code = bridge.CodeUploadsOff
		}
		mustRefuse("a file larger than the limit", code, err)
	}},
	{name: "a download is charged once for its key", feature: featureAllowances, body: func(t *caseRun) {
		t.joinCustomer()
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		must("read the notice", err)
		key := newKey()
		for range 2 {
			must("charge", t.callOnce(http.MethodPut, pathOf(pathAttempt, t.session, "carol", key), wireAttempt{f.ID}, nil))
		}
		mustEqual("the downloads used", 1, t.used().UsedDownloads)
	}},
}

// joinCustomer lets carol join, and an agent, because the limits may need one.
func (t *caseRun) joinCustomer() {
	t.join("ann", bridge.Agent)
	t.join("carol", bridge.Client)
}

func (t *caseRun) used() bridge.Limits {
	var body json.RawMessage
	must("get the limits", t.callOnce(http.MethodGet, pathOf(pathLimits, t.session, "carol"), nil, &body))
	l, err := parseLimits(body)
	must("read the limits", err)
	return l
}

func (t *caseRun) reserve(key string) error {
	return t.callOnce(http.MethodPut, pathOf(pathReserve, t.session, "carol", key), wireReservation{"a.pdf", 1}, nil)
}

func (t *caseRun) correct(key string, size int64) error {
	return t.callOnce(http.MethodPatch, pathOf(pathReserve, t.session, "carol", key), wireCorrection{size}, nil)
}

// newDocument returns a document that no store has yet, and its bytes.
func (t *caseRun) newDocument(size int) (proxy.Document, []byte) {
	content := make([]byte, size)
	rand.Read(content)
	d := proxy.Document{
		ID: proposedID(), Name: "Größe 😀.pdf", MimeType: "application/pdf", Description: "\"for\" the\nfile",
		Size: int64(size), SHA256: sha256.Sum256(content), Created: time.Now().UTC().Truncate(time.Second),
	}
	t.documents = append(t.documents, d.ID)
	return d, content
}

// proposedID is an id in the proxy's form: four digits for the day since 2020, and twelve
// letters and digits.
func proposedID() string {
	day := int(time.Since(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
	return fmt.Sprintf("%04d%s", day, random(12))
}

func (t *caseRun) put(d proxy.Document, content io.Reader) (string, error) {
	return t.putLength(d, content, d.Size)
}

// putLength puts a document with that Content-Length; -1: without one.
func (t *caseRun) putLength(d proxy.Document, content io.Reader, length int64) (string, error) {
	header, err := encodeDocument(d)
	must("describe the document", err)
	req, err := t.request(t.ctx, http.MethodPut, pathOf(pathDocument, d.ID), content)
	must("make the request", err)
	req.ContentLength = length
	if length == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set(headerDocument, header)
	req.Header.Set("Expect", "100-continue")
	var stored wireStored
	err = t.sendFor(req, bridge.CodeStorageUnavailable, &stored)
	return stored.ID, err
}

func (t *caseRun) store(d proxy.Document, content []byte) string {
	id, err := t.put(d, bytes.NewReader(content))
	must("put a document", err)
	t.documents = append(t.documents, id)
	return id
}

// slowPut is a PUT whose bytes the case sends piece by piece.
type slowPut struct {
	body *io.PipeWriter
	left int64
	done chan struct{}
	id   string
	err  error
}

func (t *caseRun) putSlowly(d proxy.Document) *slowPut {
	body, writer := io.Pipe()
	s := &slowPut{body: writer, left: d.Size, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer body.Close()
		s.id, s.err = t.put(d, body)
	}()
	return s
}

func (s *slowPut) write(p []byte) {
	n, _ := s.body.Write(p) // the response says why it did not take all
	if s.left -= int64(n); s.left == 0 {
		s.body.Close()
	}
}

// waitBriefly waits for done, but not for long.
func waitBriefly(done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
}

// get fetches a document, or a part of it.
func (t *caseRun) get(id, part string) (*http.Response, []byte, error) {
	req, err := t.request(t.ctx, http.MethodGet, pathOf(pathDocument, id), nil)
	must("make the request", err)
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

// mustHave ends the case unless the store has the document.
func (t *caseRun) mustHave(id string, d proxy.Document, content []byte) {
	res, got, err := t.get(id, "")
	must("get the document", err)
	if !bytes.Equal(got, content) {
		fail("the %d bytes that came back are not the %d bytes stored", len(got), len(content))
	}
	described, err := decodeDocument(res.Header.Get(headerDocument))
	must("read the header "+headerDocument, err)
	described.ID = d.ID
	if !described.Created.Equal(d.Created) {
		fail("the time of creation is %s, but should be %s", described.Created, d.Created)
	}
	described.Created = d.Created
	if !described.HasDigest() {
		described.SHA256 = d.SHA256 // the contract lets a store forget it
	}
	mustEqual("the document", d, described)
}

// mustMiss ends the case if the store has the document.
func (t *caseRun) mustMiss(id string) {
	_, _, err := t.get(id, "")
	mustRefuse("GET of a missing document", bridge.CodeDocument, err)
	req, err := t.request(t.ctx, http.MethodHead, pathOf(pathDocument, id), nil)
	must("make the request", err)
	res, err := t.http.Do(req)
	must("HEAD", err)
	drain(res)
	mustEqual("the status of HEAD of a missing document", http.StatusNotFound, res.StatusCode)
}

func (t *caseRun) remove(ctx context.Context, id string) error {
	return t.call(ctx, bridge.CodeStorageUnavailable, http.MethodDelete, pathOf(pathDocument, id), nil, nil)
}

var documentCases = []contractCase{
	{name: "a document comes back unchanged, with its attributes, under an id of at most 16 characters", body: func(t *caseRun) {
		for _, size := range []int{0, 1, 3<<20 + 1} {
			d, content := t.newDocument(size)
			id := t.store(d, content)
			if id == "" || len(id) > maxDocumentID {
				fail("the id is %q", id)
			}
			t.mustHave(id, d, content)
		}
	}},
	{name: "a document is also found by the proposed id", body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		t.store(d, content)
		t.mustHave(d.ID, d, content)
	}},
	{name: "a Range returns that part, and 416 beyond the end", body: func(t *caseRun) {
		d, content := t.newDocument(2 << 20)
		id := t.store(d, content)
		for part, want := range map[string][]byte{
			"0-0": content[:1], "1000000-1999999": content[1000000:2000000], "2097151-": content[2097151:], "-100": content[len(content)-100:],
		} {
			res, got, err := t.get(id, part)
			must("get bytes "+part, err)
			mustEqual("the status of a part", http.StatusPartialContent, res.StatusCode)
			if !bytes.Equal(want, got) {
				fail("bytes %s are not the document's", part)
			}
		}
		req, err := t.request(t.ctx, http.MethodGet, pathOf(pathDocument, id), nil)
		must("make the request", err)
		req.Header.Set("Range", "bytes=2097152-")
		res, err := t.http.Do(req)
		must("get bytes beyond the end", err)
		drain(res)
		mustEqual("the status of bytes beyond the end", http.StatusRequestedRangeNotSatisfiable, res.StatusCode)
	}},
	{name: "putting a document again returns the same id; putting another under its id is refused with upload-conflict", body: func(t *caseRun) {
		d, content := t.newDocument(500_000)
		id := t.store(d, content)
		mustEqual("the id of the second", id, t.store(d, content))
		other, otherContent := t.newDocument(500_000)
		other.ID = d.ID
		_, err := t.put(other, bytes.NewReader(otherContent))
		mustRefuse("another document under the same id", bridge.CodeUploadConflict, err)
		t.mustHave(id, d, content)
	}},
	{name: "a document larger than maxDocumentSize is refused with file-size, before its bytes are sent", body: func(t *caseRun) {
		most := t.maxDocumentSize
		if most == 0 {
			return // there is no limit
		}
		d, _ := t.newDocument(0)
		d.Size = most + 1
		put := t.putSlowly(d)
		waitBriefly(put.done)
		put.body.CloseWithError(errors.New("no byte is sent"))
		<-put.done
		mustRefuse("a document that is a byte too large", bridge.CodeFileSize, put.err)
		t.mustMiss(d.ID)
	}},
	{name: "two concurrent puts of a document make one document, and both return its id", body: func(t *caseRun) {
		d, content := t.newDocument(3 << 20)
		first := t.putSlowly(d)
		first.write(content[:2<<20])
		second := t.putSlowly(d)
		begun := make(chan struct{})
		go func() { second.write(content[:1<<20]); close(begun) }()
		waitBriefly(begun) // a backend may let the second wait for the first
		first.write(content[2<<20:])
		waitBriefly(first.done)
		<-begun
		second.write(content[1<<20:])
		for _, put := range []*slowPut{first, second} {
			<-put.done
			if unavailable(put.err) {
				// A backend that has the document need not read the bytes, and if the
				// connection breaks while they are sent, the response may be lost.
				put.id, put.err = t.put(d, bytes.NewReader(content))
			}
			must("put a document that is being put", put.err)
			mustEqual("the id", first.id, put.id)
		}
		t.documents = append(t.documents, first.id)
		t.mustHave(first.id, d, content)
	}},
	{name: "a body with another digest is refused, and there is no document", body: func(t *caseRun) {
		d, content := t.newDocument(300_000)
		content[150_000]++
		_, err := t.put(d, bytes.NewReader(content))
		mustRefuse("a document with another digest", bridge.CodeDigest, err)
		t.mustMiss(d.ID)
	}},
	{name: "a body of another length is refused, and there is no document", body: func(t *caseRun) {
		d, content := t.newDocument(300_000)
		for _, body := range [][]byte{content[:len(content)-1], append(content, 0)} {
			_, err := t.putLength(d, bytes.NewReader(body), -1)
			mustRefuse(fmt.Sprintf("a body of %d bytes for a document of %d", len(body), d.Size), bridge.CodeDigest, err)
			t.mustMiss(d.ID)
		}
	}},
	{name: "a body that breaks off leaves no document, and a complete one is accepted after it", body: func(t *caseRun) {
		d, content := t.newDocument(3 << 20)
		if _, err := t.put(d, io.MultiReader(bytes.NewReader(content[:2<<20]), brokenBody{})); err == nil {
			fail("a put whose body broke off returned an id")
		}
		select { // a backend that mistakes it for complete needs a moment
		case <-time.After(time.Second):
		case <-t.ctx.Done():
		}
		t.mustMiss(d.ID)
		t.mustHave(t.store(d, content), d, content)
	}},
	{name: "a document that was never put is unknown", body: func(t *caseRun) { t.mustMiss(proposedID()) }},
	{name: "a removed document is unknown, and removing it again does nothing", body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		id := t.store(d, content)
		for range 2 {
			must("remove", t.remove(t.ctx, id))
			t.mustMiss(id)
		}
		must("remove a document that never existed", t.remove(t.ctx, proposedID()))
	}},
	{name: "removing one link leaves a document that has another; removing the last one removes it, and again does nothing", feature: featureLinks, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		d.Session, d.UserID = t.session, "carol"
		id := t.store(d, content)
		other := t.session + "-2"
		for range 2 {
			must("link", t.link(http.MethodPut, id, other))
		}
		must("remove a link that the document does not have", t.link(http.MethodDelete, id, t.session+"-3"))
		for range 2 {
			must("remove the link that the document was put with", t.link(http.MethodDelete, id, t.session))
			t.mustHaveBytes(id, content)
		}
		for range 2 {
			must("remove the last link", t.link(http.MethodDelete, id, other))
			t.mustMiss(id)
		}
	}},
	{name: "the link that a document is put with is its only one", feature: featureLinks, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		d.Session, d.UserID = t.session, "carol"
		id := t.store(d, content)
		must("remove the only link", t.link(http.MethodDelete, id, t.session))
		t.mustMiss(id)
	}},
	{name: "links of two files of a session, and the session's own, are three", feature: featureLinks, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		d.Session, d.UserID = t.session, "carol"
		id := t.store(d, content)
		first, second := proxy.FileLink(t.session, newKey()), proxy.FileLink(t.session, newKey())
		for _, to := range []string{first, second} {
			must("link to a file", t.link(http.MethodPut, id, to))
		}
		for _, to := range []string{first, t.session} {
			must("remove a link", t.link(http.MethodDelete, id, to))
			t.mustHaveBytes(id, content)
		}
		must("remove the last link", t.link(http.MethodDelete, id, second))
		t.mustMiss(id)
	}},
	{name: "a document may be put without a session, and is linked later", feature: featureLinks, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		id := t.store(d, content)
		t.mustHaveBytes(id, content)
		must("link", t.link(http.MethodPut, id, t.session))
		must("link to a standard response", t.link(http.MethodPut, id, proxy.ResponseLink("greeting")))
		must("remove a link", t.link(http.MethodDelete, id, t.session))
		t.mustHaveBytes(id, content)
		must("remove the last link", t.link(http.MethodDelete, id, proxy.ResponseLink("greeting")))
		t.mustMiss(id)
	}},
	{name: "removing a document removes it with all its links", feature: featureLinks, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		d.Session = t.session
		id := t.store(d, content)
		must("link", t.link(http.MethodPut, id, t.session+"-2"))
		must("remove", t.remove(t.ctx, id))
		t.mustMiss(id)
	}},
	{name: "an update replaces name, type and description, and leaves the bytes; HEAD describes it without them", feature: featureUpdates, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		id := t.store(d, content)
		next := d
		next.Name, next.MimeType, next.Description = "neu.txt", "text/plain", ""
		attributes := next
		attributes.ID, attributes.SHA256 = id, [32]byte{}
		for range 2 {
			must("update", t.update(attributes, nil))
		}
		t.mustHave(id, next, content)
		req, err := t.request(t.ctx, http.MethodHead, pathOf(pathDocument, id), nil)
		must("make the request", err)
		res, err := t.send(req, bridge.CodeStorageUnavailable)
		must("HEAD", err)
		drain(res)
		described, err := decodeDocument(res.Header.Get(headerDocument))
		must("read the header "+headerDocument, err)
		mustEqual("the name", next.Name, described.Name)
		mustEqual("the size", next.Size, described.Size)
	}},
	{name: "an update with bytes replaces them with their size and digest, and one with another digest changes nothing", feature: featureUpdates, body: func(t *caseRun) {
		d, content := t.newDocument(300_000)
		id := t.store(d, content)
		next, other := t.newDocument(200_001)
		next.ID, next.Created = id, d.Created
		for range 2 {
			must("update", t.update(next, other))
		}
		t.mustHave(id, next, other)
		mustRefuse("an update with another digest", bridge.CodeDigest, t.update(next, append(other[1:len(other):len(other)], 'x', 'y')[:len(other)]))
		t.mustHave(id, next, other)
	}},
	{name: "an update of an unknown document is refused with document-unknown", feature: featureUpdates, body: func(t *caseRun) {
		d, content := t.newDocument(1000)
		mustRefuse("an update with bytes", bridge.CodeDocument, t.update(d, content))
		d.SHA256 = [32]byte{}
		mustRefuse("an update of attributes", bridge.CodeDocument, t.update(d, nil))
		t.mustMiss(d.ID)
	}},
	{name: "linking an unknown document is refused with document-unknown, and unlinking it does nothing", feature: featureLinks, body: func(t *caseRun) {
		id := proposedID()
		mustRefuse("a link of an unknown document", bridge.CodeDocument, t.link(http.MethodPut, id, t.session))
		must("remove a link of an unknown document", t.link(http.MethodDelete, id, t.session))
		t.mustMiss(id)
	}},
}

// update changes a document: its attributes, or with a digest also its bytes.
func (t *caseRun) update(d proxy.Document, content []byte) error {
	header, err := encodeDocument(d)
	must("describe the document", err)
	req, err := t.request(t.ctx, http.MethodPatch, pathOf(pathDocument, d.ID), bytes.NewReader(content))
	must("make the request", err)
	req.Header.Set(headerDocument, header)
	return t.sendFor(req, bridge.CodeStorageUnavailable, nil)
}

// link adds or removes a link of a document.
func (t *caseRun) link(method, id, to string) error {
	err := t.callOnce(method, pathOf(pathLink, id, to), nil, nil)
	if method == http.MethodDelete && bridge.CodeOf(err) == bridge.CodeDocument {
		return nil
	}
	return err
}

// mustHaveBytes ends the case unless the store has the document's bytes.
func (t *caseRun) mustHaveBytes(id string, content []byte) {
	_, got, err := t.get(id, "")
	must("get the document", err)
	if !bytes.Equal(got, content) {
		fail("the %d bytes that came back are not the %d bytes stored", len(got), len(content))
	}
}

// brokenBody is a body that breaks off.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("broken off by the case") }
