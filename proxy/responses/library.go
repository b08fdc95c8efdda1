package responses

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// Store is where the documents of a library are put.
type Store interface {
	// Put stores content as a document, if it is d.Size bytes with the digest d.SHA256, and
	// returns the document's id. A repeated Put returns the same id.
	Put(ctx context.Context, d proxy.Document, content io.Reader) (id string, err error)
	Open(ctx context.Context, id string) (proxy.Content, error)
}

// Options are those of [Open]. Dir, Store and Scanner are required.
type Options struct {
	Dir     string
	Store   Store
	Links   proxy.Links // of the store; nil: it keeps documents without links
	Scanner proxy.Scanner
	// MaxFileSize is as much as the scanner scans; 0 or bridge.NoLimit: any.
	MaxFileSize int64
	// Every is the time between two readings of the directory; 0 is 30 s.
	Every time.Duration
	Log   *slog.Logger
}

// Library is the library in a directory.
type Library struct {
	cfg  Options
	dir  *os.Root
	stop context.CancelFunc
	done chan struct{}

	mu        sync.Mutex
	responses []response // in the order of Find

	refreshing sync.Mutex
	known      map[entry]known
	renewed    time.Time // when all links were renewed
	reported   string    // the last mistakes that were logged
}

var _ proxy.Library = (*Library)(nil)

// response is a file whose document is in the store.
type response struct {
	entry
	document proxy.Document
	words    string
}

// Open opens the library, and fails if the directory cannot be read. Files are scanned and put
// into the store from then on, and again when they change, until Close.
func Open(o Options) (*Library, error) {
	o.Every = cmp.Or(o.Every, 30*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	dir, err := openDir(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Library{cfg: o, dir: dir, done: make(chan struct{}), known: map[entry]known{}}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go l.run(ctx)
	return l, nil
}

// Check fails if Open cannot read the directory, or its index.
func Check(dir string) error {
	root, err := openDir(dir)
	if err == nil {
		err = root.Close()
	}
	return err
}

func openDir(path string) (*os.Root, error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the library of standard responses: %w", err)
	}
	if _, err := readEntries(dir, func(string, error) {}); err != nil {
		return nil, errors.Join(fmt.Errorf("read the library of standard responses in %s: %w", path, err), dir.Close())
	}
	return dir, nil
}

// Close ends the reading of the directory.
func (l *Library) Close() {
	l.stop()
	<-l.done
	l.dir.Close()
}

func (l *Library) run(ctx context.Context) {
	defer close(l.done)
	for {
		l.refresh(ctx)
		select {
		case <-time.After(l.cfg.Every):
		case <-ctx.Done():
			return
		}
	}
}

// Find returns the responses with all the words, in the order of their folders and names.
func (l *Library) Find(_ context.Context, words, after string, most int) (found []bridge.Response, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wanted := strings.Fields(strings.ToLower(words))
	next := 1 + slices.IndexFunc(l.responses, func(r response) bool { return after != "" && r.document.ID == after })
	for _, r := range l.responses[next:] {
		if slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(r.words, word) }) {
			continue
		}
		if len(found) == most {
			return found, true, nil
		}
		found = append(found, bridge.Response{
			DocumentID: r.document.ID, Name: r.Name, Folder: r.Folder, Description: r.Description, Size: r.document.Size,
		})
	}
	return found, false, nil
}

// Document returns the document of a response. If the store has lost it, because another proxy
// whose directory lacks the file kept no link, it is put there again.
func (l *Library) Document(ctx context.Context, id string) (proxy.Document, proxy.Verdict, error) {
	l.mu.Lock()
	i := slices.IndexFunc(l.responses, func(r response) bool { return r.document.ID == id })
	var r response
	if i >= 0 {
		r = l.responses[i]
	}
	l.mu.Unlock()
	if i < 0 {
		return proxy.Document{}, proxy.Unknown, bridge.NewError(bridge.CodeDocument, "the library has no document of that id")
	}
	content, err := l.cfg.Store.Open(ctx, id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		if _, err := l.take(ctx, r.entry); err != nil {
			return proxy.Document{}, proxy.Unknown, fmt.Errorf("put the standard response into the store again: %w", err)
		}
		content, err = l.cfg.Store.Open(ctx, id)
	}
	if err != nil {
		return proxy.Document{}, proxy.Unknown, err
	}
	defer content.Close()
	d := content.Document()
	if d.SHA256 != r.document.SHA256 || d.Size != r.document.Size {
		return proxy.Document{}, proxy.Unknown, bridge.NewError(bridge.CodeDownloadMismatch, "the store holds another document than the library")
	}
	d.Description = r.Description // the index may have changed
	return d, proxy.Clean, nil
}
