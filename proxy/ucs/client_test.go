package ucs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/inspect"
	"attache/proxy/spool"
	"attache/proxy/ucs"
)

// world is a client, and a UCS that it uses: our own end over a store of its own.
type world struct {
	t       *testing.T
	engine  *engine.Engine
	staging *files.Store
	ucs     *served
	proxied *httptest.Server // in front of ucs
	between atomic.Pointer[func(http.ResponseWriter, *http.Request, http.Handler)]
	spool   *spool.Spool
}

func newWorld(t *testing.T, d ucs.Dialect) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: filepath.Join(t.TempDir(), "engine")})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	_, staging := open(t, ucs.Options{})
	s, err := spool.Open(spool.Options{Dir: filepath.Join(t.TempDir(), "spool"), Reserve: 1})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	w := &world{t: t, engine: e, staging: staging, ucs: serve(t, d), spool: s}
	w.proxied = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if between := w.between.Load(); between != nil {
			(*between)(out, r, w.ucs.Config.Handler)
			return
		}
		w.ucs.Config.Handler.ServeHTTP(out, r)
	}))
	t.Cleanup(func() { w.proxied.CloseClientConnections(); w.proxied.Close() })
	return w
}

// intercept puts something between the client and UCS.
func (w *world) intercept(f func(out http.ResponseWriter, r *http.Request, next http.Handler)) {
	w.between.Store(&f)
}

// store is what a client's documents are.
type store interface {
	proxy.Documents
	proxy.Updater
	proxy.Leftovers
}

func (w *world) client(change func(*ucs.ClientOptions)) store {
	w.t.Helper()
	ledger, err := ucs.OpenLedger(w.t.Context(), w.engine, time.Hour)
	require.NoError(w.t, err)
	o := ucs.ClientOptions{
		URL: w.proxied.URL + "/contact", Secret: []byte(secret), Ledger: ledger, Spool: w.spool,
		RetryFor: time.Nanosecond, UnclearPause: time.Nanosecond,
	}
	if change != nil {
		change(&o)
	}
	c, err := ucs.NewClient(o)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c.Documents(w.staging).(store)
}

// staged stages content and returns the document that is to be made of it.
func (w *world) staged(content []byte) proxy.Document {
	w.t.Helper()
	d := proxy.Document{
		ID: w.staging.NewID(), Name: "Rechnung ü.pdf", MimeType: "application/pdf", Description: "d", Size: int64(len(content)),
		SHA256: sha256.Sum256(content), Created: time.Now().UTC(), Session: "s1", UserID: "carol",
	}
	d, err := proxy.Stage(w.t.Context(), w.staging, d, bytes.NewReader(content))
	require.NoError(w.t, err)
	return d
}

// documents counts what UCS has.
func (w *world) documents() int64 { return w.ucs.store.Bytes() }

func readAll(t *testing.T, c proxy.Documents, id string) (proxy.Document, []byte) {
	t.Helper()
	in, err := c.Open(t.Context(), id)
	require.NoError(t, err)
	defer in.Close()
	b, err := io.ReadAll(in)
	require.NoError(t, err)
	return in.Document(), b
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func mustCode(t *testing.T, code bridge.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, bridge.CodeOf(err), "%v", err)
}

// Every dialect that our own end may speak is understood.
func TestClient_ADocumentsLife(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"base64=std", "base64=url", "base64=raw", "base64=raw-url", "base64=lines", "size=string", "content-first=true", "reply=parameters", "fault=nested", "fault-status=ok", "add-at-once=true", "omit-flag=true", "interaction-id=true"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			var dialect ucs.Dialect
			require.NoError(t, dialect.SetNamed(setting))
			w := newWorld(t, dialect)
			c := w.client(func(o *ucs.ClientOptions) { o.Dialect = dialect })
			for _, size := range []int{0, 1, 100_001} {
				content := random(size)
				d := w.staged(content)
				id, err := c.Add(t.Context(), d)
				require.NoError(t, err)
				require.NotEqual(t, d.ID, id, "UCS chooses the id")
				for _, name := range []string{id, d.ID} {
					described, got := readAll(t, c, name)
					require.Equal(t, content, got)
					d.ID = id
					require.Equal(t, d, described)
				}
				described, err := w.ucs.store.Describe(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, dialect.Interaction, described.Session == "s1")

				other := w.staged(append(content, 'x'))
				other.Name, other.ID, d.ID = "b.txt", id, other.ID
				require.NoError(t, c.Update(t.Context(), other, d.ID))
				described, got := readAll(t, c, id)
				require.Equal(t, append(content, 'x'), got)
				require.Equal(t, other.SHA256, described.SHA256)
				other.Name = "c.txt"
				require.NoError(t, c.Update(t.Context(), other, ""))
				described, _ = readAll(t, c, id)
				require.Equal(t, "c.txt", described.Name)
				require.Equal(t, other.SHA256, described.SHA256, "the bytes are the same")

				if links, ok := c.(proxy.Links); ok {
					require.NoError(t, links.Link(t.Context(), id, "s2"))
					require.NoError(t, links.Link(t.Context(), id, proxy.LibraryLink))
					require.NoError(t, links.Unlink(t.Context(), id, "s1"))
					readAll(t, c, id)
					require.NoError(t, links.Unlink(t.Context(), id, "s2"))
					readAll(t, c, id) // the library has it
					require.NoError(t, links.Unlink(t.Context(), id, proxy.LibraryLink))
				} else {
					require.NoError(t, c.Remove(t.Context(), id))
				}
				_, err = c.Open(t.Context(), id)
				mustCode(t, bridge.CodeDocument, err)
				require.NoError(t, c.Remove(t.Context(), id), "an unknown id is not an error")
			}
		})
	}
}

// A repeated Add makes no second document, also at another proxy or after a restart; nor do Adds
// at once.
func TestClient_AddIsRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ucs.Dialect{})
	content := random(5000)
	d := w.staged(content)
	ids := make(chan string, 8)
	for range cap(ids) {
		go func() {
			id, err := w.client(nil).Add(t.Context(), d)
			for bridge.CodeOf(err) == bridge.CodeStorageUnavailable { // as the delivery does
				id, err = w.client(nil).Add(t.Context(), d)
			}
			if err != nil {
				t.Error(err)
			}
			ids <- id
		}()
	}
	first := <-ids
	for range cap(ids) - 1 {
		require.Equal(t, first, <-ids)
	}
	_, got := readAll(t, w.client(nil), first)
	require.Equal(t, content, got)
	require.NoError(t, w.client(nil).Remove(t.Context(), first))
	require.Zero(t, w.documents(), "the others were removed")

	again, err := w.client(nil).Add(t.Context(), d)
	require.NoError(t, err, "it was removed from UCS, and is still staged")
	require.NotEqual(t, first, again)
	_, got = readAll(t, w.client(nil), again)
	require.Equal(t, content, got)
}

func TestClient_AddRefusesWhatWasNotStaged(t *testing.T) {
	t.Parallel()
	for _, dialect := range []ucs.Dialect{{}, {AddAtOnce: true}} {
		w := newWorld(t, dialect)
		c := w.client(func(o *ucs.ClientOptions) { o.Dialect, o.MaxSize = dialect, 10_000 })
		for name, tc := range map[string]struct {
			change func(*proxy.Document)
			code   bridge.Code
		}{
			"too small":  {func(d *proxy.Document) { d.Size-- }, bridge.CodeDigest},
			"too large":  {func(d *proxy.Document) { d.Size++ }, bridge.CodeDigest},
			"negative":   {func(d *proxy.Document) { d.Size = -1 }, bridge.CodeDigest},
			"digest":     {func(d *proxy.Document) { d.SHA256[31]++ }, bridge.CodeDigest},
			"no digest":  {func(d *proxy.Document) { d.SHA256 = [32]byte{} }, bridge.CodeDigest},
			"not staged": {func(d *proxy.Document) { d.ID = w.staging.NewID() }, bridge.CodeDigest},
			"empty":      {func(d *proxy.Document) { d.Size = 0 }, bridge.CodeDigest},
			"UCS's most": {func(d *proxy.Document) { d.Size = 10_001 }, bridge.CodeFileSize},
		} {
			d := w.staged(random(1000))
			staged := d.ID
			tc.change(&d)
			_, err := c.Add(t.Context(), d)
			require.Error(t, err, name)
			mustCode(t, tc.code, err)
			_, err = c.Open(t.Context(), staged)
			mustCode(t, bridge.CodeDocument, err)
			left, err := c.Leftover(t.Context(), d.ID)
			require.NoError(t, err)
			if left {
				require.NoError(t, c.Remove(t.Context(), d.ID))
			}
		}
		require.Zero(t, w.documents(), "nothing is left in UCS")
	}
}

// A document is read once, also by several readers at other offsets, and after the store is gone.
func TestClient_ADocumentIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ucs.Dialect{})
	c := w.client(nil)
	content := random(1 << 20)
	id, err := c.Add(t.Context(), w.staged(content))
	require.NoError(t, err)
	var reads atomic.Int64
	w.intercept(func(out http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Query().Get("IncludeBinaryContent") == "true" {
			reads.Add(1)
		}
		next.ServeHTTP(out, r)
	})
	got := make(chan []byte)
	for offset := range int64(8) {
		go func() {
			in, err := c.Open(t.Context(), id)
			if err == nil {
				defer in.Close()
				_, err = in.Seek(offset*1000, io.SeekStart)
			}
			var b []byte
			if err == nil {
				b, err = io.ReadAll(in)
			}
			if err != nil || !bytes.Equal(b, content[offset*1000:]) {
				t.Errorf("at %d: %d bytes, %v", offset*1000, len(b), err)
			}
			got <- b
		}()
	}
	for range 8 {
		<-got
	}
	require.EqualValues(t, 1, reads.Load())
	used, files := w.spool.Used()
	require.EqualValues(t, 1<<20, used)
	require.Equal(t, 1, files)
}

// What UCS has by now is compared with what we added before the first byte leaves; what others
// added has no digest.
func TestT30_ClientComparesWhatItReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ucs.Dialect{})
	c := w.client(nil)
	id, err := c.Add(t.Context(), w.staged([]byte("hello")))
	require.NoError(t, err)
	status, reply := w.ucs.call("PUT", "OMInteractions/UpdateDocument", nil, envelope(`"DocumentId":"`+id+`"`, `"Content":"SEVMTE8="`))
	require.Equal(t, 200, status, reply)
	in, err := c.Open(t.Context(), id)
	require.NoError(t, err)
	require.True(t, in.Document().HasDigest(), "its size is the same")
	_, err = io.ReadAll(in)
	mustCode(t, bridge.CodeDocumentChanged, err)
	require.NoError(t, in.Close())
	d, got := readAll(t, c, id)
	require.False(t, d.HasDigest(), "it is another's content now, and will be scanned")
	require.Equal(t, "HELLO", string(got))

	_, reply = w.ucs.call("POST", "OMInteractions/AddDocument", nil, envelope(`"MimeType":"b"`, `"TheName":"a"`, `"TheSize":5`, `"Content":"aGVsbG8="`))
	d, got = readAll(t, c, reply["DocumentId"].(string))
	require.Equal(t, "hello", string(got))
	require.False(t, d.HasDigest())
	require.Empty(t, d.Session)
}

// scanner finds a virus in everything that says so.
type scanner struct{}

func (scanner) Scan(_ context.Context, in io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	b, err := io.ReadAll(in)
	if bytes.Contains(b, []byte("virus")) {
		return proxy.Infected, err
	}
	return proxy.Clean, err
}

// What others added to UCS, or changed there, is scanned before its first byte leaves.
func TestT30_WhatOthersAddedToUCSIsScanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ucs.Dialect{})
	c := w.client(nil)
	inspector, err := inspect.Open(t.Context(), w.engine, inspect.Options{Documents: c, Scanner: scanner{}, Dir: t.TempDir(), Reserve: 1, Fresh: time.Nanosecond})
	require.NoError(t, err)
	t.Cleanup(inspector.Close)
	d, clean := w.staged([]byte("hello")), w.staged([]byte("virus, but our delivery has scanned it"))
	ours, err := c.Add(t.Context(), d)
	require.NoError(t, err)
	id, err := c.Add(t.Context(), clean)
	require.NoError(t, err)
	content, err := inspector.Inspect(t.Context(), id, clean.SHA256)
	require.NoError(t, err)
	require.NoError(t, content.Close())
	_, reply := w.ucs.call("POST", "OMInteractions/AddDocument", nil, envelope(`"MimeType":"b"`, `"TheName":"a"`, `"TheSize":5`, `"Content":"dmlydXM="`))
	status, _ := w.ucs.call("PUT", "OMInteractions/UpdateDocument", nil, envelope(`"DocumentId":"`+ours+`"`, `"Content":"dmlydXM="`))
	require.Equal(t, 200, status)
	for _, id := range []string{reply["DocumentId"].(string), ours} {
		_, err := inspector.Inspect(t.Context(), id, d.SHA256)
		if bridge.CodeOf(err) == bridge.CodeDocumentChanged { // it was compared with what we added; from now on it is another's
			_, err = inspector.Inspect(t.Context(), id, d.SHA256)
		}
		mustCode(t, bridge.CodeInfected, err)
	}
}
