//go:build !js

package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"

	"attache/bridge"
)

// Fetched is what a download brought.
type Fetched struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// Download asks for a ticket of that file and fetches it; after every cut it goes
// on where it was, as the page in the browser does. attempt is 32 hex digits, one
// for each wish. A refusal is a *bridge.Error; so is a file that is not what its
// ticket says, of code download-mismatch.
func (p *Page) Download(ctx context.Context, file, attempt string) (Fetched, error) {
	f := fetching{hash: sha256.New()}
	for try := 0; ; try++ {
		if try > 0 && !pause(ctx, backOff(try)) {
			return Fetched{}, ctx.Err()
		}
		got, err := p.fetch(ctx, file, attempt, &f)
		var refusal *bridge.Error
		if err == nil || ctx.Err() != nil || errors.As(err, &refusal) && !refusal.Retry {
			return got, err
		}
		if p.ctx.Err() != nil {
			return got, p.ctx.Err()
		}
	}
}

// fetching is what has come of a file so far.
type fetching struct {
	hash   hash.Hash
	size   int64
	digest string // that the first ticket says
}

func (p *Page) fetch(ctx context.Context, file, attempt string, f *fetching) (Fetched, error) {
	address, ticket, err := p.ask(ctx, file, attempt)
	if err != nil {
		return Fetched{}, err
	}
	if f.digest == "" {
		f.digest = ticket.Digest
	}
	if f.digest != ticket.Digest {
		return Fetched{}, &bridge.Error{Code: bridge.CodeDocumentChanged}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+ticket.Path, nil)
	if err != nil {
		return Fetched{}, err
	}
	want := http.StatusOK
	if f.size > 0 {
		want = http.StatusPartialContent
		request.Header.Set("Range", "bytes="+strconv.FormatInt(f.size, 10)+"-")
		request.Header.Set("If-Range", `"`+f.digest+`"`)
	}
	if f.size == 0 || f.size < ticket.Size {
		if err := f.take(request, want); err != nil {
			return Fetched{}, err
		}
	}
	return f.whole(ticket)
}

func (f *fetching) take(request *http.Request, want int) error {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return bridge.NewError(bridge.CodeDocument, "")
	}
	if answer.StatusCode != want {
		return fmt.Errorf("fetch: %s", answer.Status)
	}
	n, err := io.Copy(f.hash, answer.Body)
	f.size += n
	return err
}

func (f *fetching) whole(ticket *bridge.Ticket) (got Fetched, err error) {
	got.Size = f.size
	f.hash.Sum(got.SHA256[:0])
	if f.size != ticket.Size || ticket.Digest != "" && hex.EncodeToString(got.SHA256[:]) != ticket.Digest {
		return got, &bridge.Error{Code: bridge.CodeDownloadMismatch}
	}
	return got, nil
}

// ask gets a ticket, and says of which proxy.
func (p *Page) ask(ctx context.Context, file, attempt string) (string, *bridge.Ticket, error) {
	var address string
	m, err := p.question(ctx, func(ref int64, at string) bridge.Wire {
		address = at
		return &bridge.Ask{Ref: ref, File: file, Attempt: attempt}
	})
	if err != nil {
		return "", nil, err
	}
	ticket, ok := m.(*bridge.Ticket)
	if !ok {
		return "", nil, errors.New("the answer to ask is a ticket")
	}
	return address, ticket, nil
}

// End ends the chat session for everybody.
func (p *Page) End(ctx context.Context) error {
	_, err := p.question(ctx, func(ref int64, _ string) bridge.Wire {
		return &bridge.Leave{Ref: ref, After: bridge.ForceClose}
	})
	return err
}

// question sends one request and waits for its answer on the same connection.
func (p *Page) question(ctx context.Context, make func(ref int64, address string) bridge.Wire) (bridge.Wire, error) {
	chat, address, err := p.joined(ctx)
	if err != nil {
		return nil, err
	}
	b := newBox()
	p.mu.Lock()
	p.ref++
	ref := p.ref
	p.asks[ref] = b
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.asks, ref)
		p.mu.Unlock()
	}()
	if err := chat.send(ctx, make(ref, address)); err != nil {
		chat.cut()
		return nil, err
	}
	select {
	case <-b.some:
	case <-chat.down:
		return nil, errors.New("the connection was cut")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m := b.take()[0]
	if fail, ok := m.(*bridge.Fail); ok {
		return nil, &fail.Error
	}
	return m, nil
}
