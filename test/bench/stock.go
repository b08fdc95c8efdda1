package main

import (
	"context"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"attache/bridge"
	client "attache/wasm/page"
)

// stock is content that the product got as it always does: by uploads of a page, which
// here runs without a browser. The page stays connected through crashes.
type stock struct {
	page      *client.Page
	size      int64 // of each file
	announced chan announced
	watching  context.CancelFunc

	mu      sync.Mutex
	digests map[string][sha256.Size]byte // by the upload's key
	ids     map[string]string            // of documents, by the upload's key
}

type announced struct {
	key, id string
	err     error
}

// openStock joins a session of its own. The caller must call close.
func (p *product) openStock(size int64) (*stock, error) {
	token, err := p.token("stock", "agent", bridge.Agent)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &stock{
		size: size, announced: make(chan announced), watching: cancel,
		digests: map[string][sha256.Size]byte{}, ids: map[string]string{},
	}
	s.page = client.Open(client.Options{
		Address: func() string { return p.address }, Token: token, Origin: p.address,
		Saw: func(e bridge.Event) {
			if !e.IsFile() {
				return
			}
			// It must not wait.
			go func() {
				f, err := bridge.DecodeFile(e)
				select {
				case s.announced <- announced{key: e.Key, id: f.ID, err: err}:
				case <-ctx.Done():
				}
			}()
		},
	})
	return s, nil
}

func (s *stock) close() {
	s.watching()
	s.page.Close()
}

// fill sends so many files, two at a time, and waits until all are announced.
func (s *stock) fill(ctx context.Context, count int) error {
	work, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range 2 {
		work.Go(func() error {
			content := s.content()
			for next.Add(1) <= int64(count) {
				if err := s.send(ctx, content, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	work.Go(func() error {
		for range count {
			if err := s.await(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return work.Wait()
}

// content is new random content.
func (s *stock) content() []byte {
	content := make([]byte, s.size)
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	_, _ = rand.NewChaCha8(seed).Read(content)
	return content
}

// send changes the content, so that no two files are the same, and sends it until the
// product has accepted it.
func (s *stock) send(ctx context.Context, content []byte, sent func(bytes int64)) error {
	var key bridge.Key
	_, _ = crand.Read(key[:]) // never fails
	binary.NativeEndian.PutUint64(content, rand.Uint64())
	s.mu.Lock()
	s.digests[key.String()] = sha256.Sum256(content)
	s.mu.Unlock()
	u := &client.Upload{Key: key.String(), Name: "stock.bin", Content: content, Sent: sent}
	if err := s.page.Send(ctx, u); err != nil {
		return err
	}
	if u.Code != "" {
		return fmt.Errorf("the upload failed: %s", u.Code)
	}
	return nil
}

// await waits until one more file is announced.
func (s *stock) await(ctx context.Context) error {
	select {
	case a := <-s.announced:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ids[a.key] = a.id
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendAcross has crash happen while a file is on its way, and waits until the product
// has announced it all the same.
func (s *stock) sendAcross(ctx context.Context, crash func() error) error {
	half := make(chan struct{})
	var once sync.Once
	work, both := errgroup.WithContext(ctx)
	work.Go(func() error {
		return s.send(both, s.content(), func(bytes int64) {
			if bytes >= s.size/2 {
				once.Do(func() { close(half) })
			}
		})
	})
	work.Go(func() error {
		select {
		case <-half:
			return crash()
		case <-both.Done():
			return both.Err()
		}
	})
	if err := work.Wait(); err != nil {
		return err
	}
	return s.await(ctx)
}

// verify compares a few files with what was sent.
func (s *stock) verify(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) != len(s.digests) {
		return fmt.Errorf("%d of %d files are announced", len(s.ids), len(s.digests))
	}
	few := 3
	for key, id := range s.ids { // in another order each time
		if few--; few < 0 {
			break
		}
		var attempt [16]byte
		_, _ = crand.Read(attempt[:]) // never fails
		got, err := s.page.Download(ctx, id, hex.EncodeToString(attempt[:]))
		if err != nil {
			return fmt.Errorf("download a file after the crash: %w", err)
		}
		if got.SHA256 != s.digests[key] {
			return errors.New("a file has other content after the crash")
		}
	}
	return nil
}
