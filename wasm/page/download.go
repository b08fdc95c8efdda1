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
	"time"

	"attache/bridge"
	"attache/wasm/client"
)

// Fetched is what a download brought.
type Fetched struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// Download asks for a ticket of that file and fetches it; after every cut it resumes
// where it was, as the page in the browser does. attempt is 32 hex digits, one for
// each download. A refusal is a *bridge.Error; so is a file that is not what its
// ticket says, of code download-mismatch.
func (p *Page) Download(ctx context.Context, file, attempt string) (Fetched, error) {
	f := fetching{hash: sha256.New()}
	for try := 0; ; try++ {
		if try > 0 {
			select {
			case <-time.After(pauseBefore(try)):
			case <-ctx.Done():
				return Fetched{}, ctx.Err()
			}
		}
		got, err := p.fetch(ctx, file, attempt, &f)
		var refusal *bridge.Error
		if err == nil || ctx.Err() != nil || errors.As(err, &refusal) && !refusal.Retry {
			return got, err
		}
		select {
		case <-p.gone:
			return got, err
		case <-p.ctx.Done():
			return got, err
		default:
		}
	}
}

// fetching is the part of a file that has arrived so far.
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

// ask gets a ticket, and the address of the proxy that gave it.
func (p *Page) ask(ctx context.Context, file, attempt string) (string, *bridge.Ticket, error) {
	text, err := p.call(ctx, func(s *client.Session, call int64) { s.Ask(call, file, attempt) })
	if err != nil {
		return "", nil, err
	}
	m, err := bridge.FromProxy([]byte(text))
	if err != nil {
		return "", nil, err
	}
	ticket, ok := m.(*bridge.Ticket)
	if !ok {
		return "", nil, errors.New("the answer to ask is a ticket")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address, ticket, nil
}
