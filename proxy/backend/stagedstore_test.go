package backend_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

// lateStore has a document only from the second time on that it is opened.
type lateStore struct {
	proxy.Documents
	opened bool
}

func (l *lateStore) Open(ctx context.Context, id string) (proxy.Content, error) {
	if !l.opened {
		l.opened = true
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	return l.Documents.Open(ctx, id)
}

// The bytes of a broken request may arrive after the next request has looked for the document.
func TestPut_FindsADocumentStoredMeanwhile(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	content := []byte("hello")
	d := b.staged(content)
	_, err := b.Store.Add(t.Context(), d)
	require.NoError(t, err)
	s := backend.NewStagedStore(b.Store, &lateStore{Documents: b.Store})
	id, err := s.Put(t.Context(), d, bytes.NewReader(content))
	require.NoError(t, err)
	require.Equal(t, d.ID, id)
	other := d
	other.SHA256[0]++
	s = backend.NewStagedStore(b.Store, &lateStore{Documents: b.Store})
	_, err = s.Put(t.Context(), other, bytes.NewReader(content))
	require.Equal(t, bridge.CodeUploadConflict, bridge.CodeOf(err))
}

// raced is a store whose staged content another process replaces before it is added.
type raced struct {
	proxy.Documents
	staging proxy.Staging
}

func (u *raced) Add(ctx context.Context, d proxy.Document) (string, error) {
	if err := u.staging.Discard(ctx, d.ID); err != nil {
		return "", err
	}
	return u.Documents.Add(ctx, d)
}

func TestPut_IsBusyIfAnotherProcessPuts(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	content := []byte("hello")
	d := b.staged(content)
	s := backend.NewStagedStore(b.Store, &raced{b.Store, b.Store})
	_, err := s.Put(t.Context(), d, bytes.NewReader(content))
	require.Equal(t, bridge.CodeBusy, bridge.CodeOf(err), "%v", err)
	s = backend.NewStagedStore(b.Store, b.Store)
	_, err = s.Put(t.Context(), d, bytes.NewReader(content))
	require.NoError(t, err)
}

// departing is a body whose client disconnects at its end.
type departing struct {
	io.Reader
	cancel context.CancelFunc
}

func (d *departing) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		d.cancel()
		err = io.ErrClosedPipe
	}
	return n, err
}

func TestPut_LeavesNothingIfItFails(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	d := b.staged(content)
	s := backend.NewStagedStore(b.Store, b.Store)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Put(ctx, d, &departing{bytes.NewReader(content[:2<<20]), cancel})
	require.Error(t, err)
	_, err = b.Store.Staged(t.Context(), d.ID)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
}

func TestPut_WaitsForAnotherNoLongerThanItsClient(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	d := b.staged(nil)
	s := backend.NewStagedStore(b.Store, b.Store)
	reading, body := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := s.Put(t.Context(), d, &held{reading, body})
		first <- err
	}()
	<-reading
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Put(ctx, d, bytes.NewReader(nil))
	require.ErrorIs(t, err, context.Canceled)
	close(body)
	require.NoError(t, <-first)
}

// held is an empty body that ends when the test says so.
type held struct{ reading, end chan struct{} }

func (h *held) Read([]byte) (int, error) {
	close(h.reading)
	<-h.end
	return 0, io.EOF
}
