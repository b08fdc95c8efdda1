package deliver_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
	"attache/proxy/proxytest"
)

// house is a loop as the command runs it, with nothing replaced by a double.
type house struct {
	*proxytest.World
	t    testing.TB
	chat *chat.Server
}

func newHouse(t testing.TB) *house {
	t.Helper()
	w := proxytest.Start(t, func(o *assembly.Options) {
		o.Chat.CustomerLimits = &bridge.Limits{
			MaxFiles: bridge.NoLimit, MaxFileSize: 1 << 20, MaxTotalSize: bridge.NoLimit, MaxDownloads: 2,
		}
		o.Deliver.Grace = 50 * time.Millisecond
		o.Proxy.Audit = nil
	})
	h := &house{w, t, w.Chat.(*chat.Server)}
	_, err := h.chat.Join(t.Context(), session, proxy.Joining{Party: bridge.Party{UserID: "customer", Nickname: "Ann", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}})
	require.NoError(t, err)
	return h
}

// accept marks the upload as accepted, and the loop begins.
func (h *house) accept(r proxy.Record) {
	h.t.Helper()
	r.State = bridge.Accepted
	_, err := h.Records.Update(h.t.Context(), r)
	require.NoError(h.t, err)
}

// await waits until the upload's record is as it should be.
func (h *house) await(key string, is func(proxy.Record) bool) {
	h.t.Helper()
	require.Eventually(h.t, func() bool {
		got, err := h.Records.Get(h.t.Context(), session, key)
		return err == nil && is(got)
	}, patience, time.Millisecond)
}

// receive does the proxy's part until an upload is complete.
func (h *house) receive(n int, content []byte) proxy.Record {
	h.t.Helper()
	ctx := h.t.Context()
	r := proxy.Record{
		Key: fmt.Sprintf("%032x", n), Session: session, UserID: "customer", Customer: true, State: bridge.Offered,
		DocumentID: h.Store.NewID(), Name: "report.pdf", Size: int64(len(content)), MimeType: "application/pdf", Visibility: bridge.All,
	}
	require.NoError(h.t, h.chat.Reserve(ctx, r.Session, r.UserID, r.Key, r.Name, r.Size))
	r, err := h.Records.Create(ctx, r)
	require.NoError(h.t, err)
	writer, err := h.Store.Begin(ctx, r.Document(), 0)
	require.NoError(h.t, err)
	stored := make(chan error, 1)
	require.NoError(h.t, writer.Append(ctx, content, func(_ int64, err error) { stored <- err }))
	require.NoError(h.t, <-stored)
	sum := writer.Sum()
	r.Digest = hex.EncodeToString(sum[:])
	return r
}

// awaitNotice waits until the transcript has the upload's notice.
func (h *house) awaitNotice(ctx context.Context, key string) (found bridge.Event) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.chat.Events(ctx, session, "customer", 0, func(e bridge.Event) error {
		if e.Key == key {
			found = e
			cancel()
		}
		return nil
	})
	return found
}

func TestDeliversWithRealNeighbours(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	content := bytes.Repeat([]byte("attache "), 1000)
	r := h.receive(1, content)
	h.accept(r)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := h.awaitNotice(ctx, r.Key)
	f, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.True(t, f.Downloadable)
	open, err := h.Store.Open(t.Context(), f.DocumentID)
	require.NoError(t, err)
	defer open.Close()
	got, err := io.ReadAll(open)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
	limits, err := h.chat.Limits(t.Context(), session, "customer")
	require.NoError(t, err)
	require.EqualValues(t, 1, limits.UsedFiles)
	require.EqualValues(t, len(content), limits.UsedTotalSize)
}

// TestRefusedNoticeLeavesNoDocument has the chat refuse a stored document's notice.
func TestRefusedNoticeLeavesNoDocument(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.receive(1, []byte("hello"))
	require.NoError(t, h.chat.Leave(t.Context(), session, "customer", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.CloseIfNoAgents}))
	h.accept(r)
	h.await(r.Key, func(got proxy.Record) bool { return got.State == bridge.Failed && got.Code == bridge.CodeSessionEnded })
	require.Eventually(t, func() bool {
		_, err := h.Store.Open(t.Context(), r.DocumentID)
		content, stagedErr := h.Store.Staged(t.Context(), r.DocumentID)
		if stagedErr == nil {
			n, _ := content.Seek(0, io.SeekEnd)
			content.Close()
			return n == 0 && bridge.CodeOf(err) == bridge.CodeDocument
		}
		return bridge.CodeOf(err) == bridge.CodeDocument
	}, patience, time.Millisecond)
}

// Once its upload is accepted, the sender may close the page.
func TestSenderMayLeaveOnceAccepted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.receive(1, []byte("hello"))
	require.NoError(t, h.chat.Leave(t.Context(), session, "customer", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.KeepAlive}))
	h.accept(r)
	h.await(r.Key, func(got proxy.Record) bool { return got.State == bridge.Announced })
	e, found, err := h.chat.FindKey(t.Context(), session, r.Key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "customer", e.From.UserID)
}

// BenchmarkAcceptedToAnnounced measures the delivery's part of an upload: from before the
// record becomes accepted until the notice reaches a party.
func BenchmarkAcceptedToAnnounced(b *testing.B) {
	h := newHouse(b)
	notices := make(chan bridge.Event, 16)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.chat.Events(ctx, session, "customer", 0, func(e bridge.Event) error {
			if e.IsFile() {
				notices <- e
			}
			return nil
		})
	}()
	b.Cleanup(func() { cancel(); <-done })
	content := bytes.Repeat([]byte{7}, 100<<10)
	var took []time.Duration
	n := 0
	for b.Loop() {
		n++
		r := h.receive(n, content)
		r.State = bridge.Accepted
		begin := time.Now()
		_, err := h.Records.Update(ctx, r)
		require.NoError(b, err)
		<-notices
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
