package responses

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
	"attache/proxy/engine"
)

// renewEvery is the time after which the links are renewed. The shortest retention is a day.
const renewEvery = 6 * time.Hour

// known is what became of a file as it was at that time.
type known struct {
	entry
	version  fileVersion
	document proxy.Document
	err      error // why it is not a response, for good
}

// refresh reads the directory, and takes in what is new. If it cannot be read, what was there
// stays.
func (l *Library) refresh(ctx context.Context) {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	var mistakes []string
	bad := func(which string, err error) { mistakes = append(mistakes, fmt.Sprintf("%s: %v", which, err)) }
	entries, err := readEntries(l.dir, bad)
	if err != nil {
		bad(l.cfg.Dir, err)
		l.report(mistakes)
		return
	}
	l.withdraw(entries)
	renew, renewed := time.Since(l.renewed) > renewEvery, true
	var responses []response
	seen := map[string]bool{}
	keep := map[entry]known{}
	for _, one := range entries {
		e := one.entry
		if ctx.Err() != nil {
			return
		}
		k, err := l.know(ctx, e)
		if err == nil {
			keep[e], err = k, k.err
		}
		if err == nil && renew && l.renew(ctx, k) != nil {
			renewed = false // what is known stays, and the next refresh tries again
		}
		if err != nil {
			bad(one.String(), err)
			continue
		}
		if seen[k.document.ID] {
			continue // the same file in another folder
		}
		seen[k.document.ID] = true
		responses = append(responses, response{e, k.document, e.words()})
	}
	slices.SortStableFunc(responses, func(a, b response) int {
		return cmp.Or(strings.Compare(a.Folder, b.Folder), strings.Compare(a.Name, b.Name), strings.Compare(a.document.ID, b.document.ID))
	})
	l.mu.Lock()
	changed := len(responses) != len(l.responses)
	l.responses = responses
	l.mu.Unlock()
	l.known = keep
	if renew && renewed {
		l.renewed = time.Now()
	}
	if changed {
		l.cfg.Log.Info("standard responses", "directory", l.cfg.Dir, "responses", len(responses))
	}
	l.report(mistakes)
}

// withdraw takes out what is not in the directory any more, before new files are scanned: that
// may take long, and a response that was withdrawn must not be sent meanwhile.
func (l *Library) withdraw(entries []listed) {
	there := make(map[entry]bool, len(entries))
	for _, one := range entries {
		there[one.entry] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.responses = slices.DeleteFunc(slices.Clone(l.responses), func(r response) bool { return !there[r.entry] })
}

// report logs mistakes once, until they change.
func (l *Library) report(mistakes []string) {
	text := strings.Join(mistakes, "\n")
	if text == l.reported {
		return
	}
	l.reported = text
	for _, m := range mistakes {
		l.cfg.Log.Warn("a file cannot be a standard response", "reason", m)
	}
}

// know returns what is known of a file, and takes it in if it is new or has changed.
func (l *Library) know(ctx context.Context, e entry) (known, error) {
	f, err := openRegular(l.dir, e.File)
	if err != nil {
		return known{}, err
	}
	version, err := versionOf(f)
	f.Close()
	if err != nil {
		return known{}, err
	}
	k, ok := l.known[e]
	if ok && k.version == version {
		return k, nil
	}
	k = known{entry: e, version: version}
	k.document, err = l.take(ctx, e)
	if permanent(err) {
		k.err, err = err, nil
	}
	return k, err
}

// renew makes the link of a response young, and the document if the store has lost it.
func (l *Library) renew(ctx context.Context, k known) error {
	err := l.link(ctx, k.document.ID)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		_, err = l.take(ctx, k.entry)
	}
	if err != nil {
		l.cfg.Log.Warn("the link of a standard response was not renewed", "document", k.document.ID, "error", err)
	}
	return err
}

func (l *Library) link(ctx context.Context, id string) error {
	if l.cfg.Links == nil {
		return nil
	}
	return l.cfg.Links.Link(ctx, id, proxy.LibraryLink)
}

// permanent reports whether the same file would be refused again.
func permanent(err error) bool {
	switch bridge.CodeOf(err) {
	case bridge.CodeInfected, bridge.CodeUnscannable, bridge.CodeFileSize, bridge.CodeNameLength, bridge.CodeFileType:
		return true
	}
	return false
}

// take scans a file and puts it into the store, with a link. What is stored is what was scanned,
// because it has the same digest.
func (l *Library) take(ctx context.Context, e entry) (proxy.Document, error) {
	f, err := openRegular(l.dir, e.File)
	if err != nil {
		return proxy.Document{}, err
	}
	defer f.Close()
	d, err := describe(f, e)
	if err != nil {
		return d, err
	}
	if most := l.cfg.MaxFileSize; most > 0 && d.Size > most {
		return d, bridge.NewError(bridge.CodeFileSize, fmt.Sprintf("it has %s, and %s can be scanned", bridge.Bytes(d.Size), bridge.Bytes(most)))
	}
	if err := l.scan(ctx, f, d); err != nil {
		return d, err
	}
	if d.ID, err = l.put(ctx, d, f); err != nil {
		return d, err
	}
	return d, l.link(ctx, d.ID)
}

// put puts a file into the store. All proxies of a cluster put it under the same id when they
// start, and each that begins ends those before it. So the pauses grow with the time that was
// lost, and are random: in one of them another proxy finishes, or this one afterwards.
func (l *Library) put(ctx context.Context, d proxy.Document, f *os.File) (id string, err error) {
	for try := range putTries {
		begun := time.Now()
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		id, err = l.cfg.Store.Put(ctx, d, f)
		if err == nil || !bridge.AsError(err).Retry {
			break
		}
		if engine.Pause(ctx, rand.N(time.Since(begun)<<try+time.Millisecond)) != nil {
			break
		}
	}
	return id, err
}

// putTries are as many as a few proxies need; after them the next reading tries again.
const putTries = 8

// describe reads the file for its digest.
func describe(f *os.File, e entry) (proxy.Document, error) {
	info, err := f.Stat()
	if err != nil {
		return proxy.Document{}, err
	}
	h := sha256.New()
	size, err := io.Copy(h, f)
	if err != nil {
		return proxy.Document{}, err
	}
	d := proxy.Document{
		Name: e.Name, MimeType: e.Type, Description: e.Description, Size: size,
		SHA256: [32]byte(h.Sum(nil)), Created: info.ModTime().UTC().Truncate(time.Millisecond),
	}
	// Documents of the epoch's day are in no day that ends.
	d.ID = docid.Of(docid.Epoch, sha256.Sum256(append(d.SHA256[:], d.Name...)))
	return d, d.CheckLengths()
}

// scan fails unless the scanner has read the document, and finds it clean.
func (l *Library) scan(ctx context.Context, f *os.File, d proxy.Document) error {
	if _, off := l.cfg.Scanner.(proxy.NoScanner); off {
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha256.New()
	verdict, err := l.cfg.Scanner.Scan(ctx, io.TeeReader(f, h), d)
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	switch verdict {
	case proxy.Clean:
	case proxy.Infected:
		return bridge.NewError(bridge.CodeInfected, "")
	case proxy.Unscannable:
		return bridge.NewError(bridge.CodeUnscannable, "")
	default:
		return bridge.NewError(bridge.CodeScannerOffline, "the virus scanner returned no verdict")
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if d.SHA256 != [32]byte(h.Sum(nil)) {
		return errors.New("it changed while it was scanned")
	}
	return nil
}
