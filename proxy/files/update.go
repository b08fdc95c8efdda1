package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
)

// An update of a document's bytes is three steps: the description gets a line that says what is
// coming, the new file takes the old one's name, and the description becomes the new one. A
// process that dies between them leaves that line: the next reader then compares the file with
// both digests, and completes the update or drops it.

// pendingUpdate is the line that says what is coming.
type pendingUpdate struct {
	Next *nextContent `json:"Next"`
}

type nextContent struct {
	description
	seal
}

// NewContent returns a fresh id for the content of an update of that document.
func (s *Store) NewContent(id string) (string, error) {
	day, err := docid.DayOf(id)
	if err != nil {
		return "", err
	}
	return s.newID(docid.New(docid.Epoch.AddDate(0, 0, day))), nil
}

// Describe returns a document's description.
func (s *Store) Describe(_ context.Context, id string) (proxy.Document, error) {
	r, err := s.document(id)
	if err != nil {
		return proxy.Document{}, fmt.Errorf("describe the document %s: %w", id, storage(err))
	}
	defer r.Close()
	return r.Document(), nil
}

// Update changes a document, durably.
func (s *Store) Update(ctx context.Context, d proxy.Document, staged string) error {
	err := d.CheckLengths()
	if err == nil {
		err = s.update(ctx, d, staged)
	}
	if err != nil {
		return fmt.Errorf("update the document %s: %w", d.ID, s.report(err))
	}
	return nil
}

func (s *Store) update(ctx context.Context, d proxy.Document, staged string) error {
	s.sweeping.RLock()
	defer s.sweeping.RUnlock()
	c, release, err := s.content(d.ID)
	if err != nil {
		return err
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.quiet(ctx); err != nil {
		return err
	}
	disk := s.files()
	known, err := c.resolve(disk)
	if err != nil {
		return err
	}
	d.Created, d.Session, d.UserID = known.Created, known.Session, known.UserID
	if staged == "" || d.Size == known.Size && d.SHA256 == known.SHA256 {
		d.Size, d.SHA256 = known.Size, known.SHA256
		return c.describeAs(disk, d)
	}
	return c.replaceContent(ctx, disk, known, d, staged)
}

func (c *content) replaceContent(ctx context.Context, disk Disk, known, d proxy.Document, staged string) error {
	n, release, err := c.store.content(staged)
	if err != nil {
		return err
	}
	defer release()
	if n == c || n.paths.day != c.paths.day {
		return bridge.NewError(bridge.CodeDocument, "the content of an update has an id of the document's day")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.quiet(ctx); err != nil {
		return err
	}
	if err := n.verify(ctx, disk, d); err != nil {
		return err
	}
	if size, err := disk.Size(n.paths.part); err != nil || size != d.Size {
		n.reset() // somebody has touched the file
		return compare(d, -1, d.SHA256)
	}
	if err := c.announce(disk, known, d); err != nil {
		return err
	}
	crashPoint("update described")
	n.owner = nil
	if err := disk.Rename(n.paths.part, c.paths.document); err != nil {
		return err
	}
	crashPoint("document replaced")
	n.reset()
	if err := c.store.days.sync(c.paths.day); err != nil {
		return err
	}
	if err := c.describeAs(disk, d); err != nil {
		return err
	}
	return n.removeDescription(disk)
}

// announce writes the description as it is, and what is coming.
func (c *content) announce(disk Disk, known, d proxy.Document) error {
	lines, err := sealedLines(known)
	if err != nil {
		return err
	}
	next, err := line(pendingUpdate{&nextContent{describe(d), newSeal(d.Size, d.SHA256)}})
	if err != nil {
		return err
	}
	return c.rewrite(disk, append(lines, next...))
}

// describeAs makes the description that of d, with its seal.
func (c *content) describeAs(disk Disk, d proxy.Document) error {
	lines, err := sealedLines(d)
	if err != nil {
		return err
	}
	return c.rewrite(disk, lines)
}

func (c *content) rewrite(disk Disk, lines []byte) error {
	if err := remove(disk, c.paths.description+freshSuffix); err != nil {
		return err
	}
	whole := text{lines: lines}
	if err := c.replace(disk, c.paths.description, whole); err != nil {
		return err
	}
	c.text = whole
	return nil
}

// sealedLines are the lines of a document's description.
func sealedLines(d proxy.Document) ([]byte, error) {
	b, err := line(describe(d))
	if err != nil {
		return nil, err
	}
	end, err := sealLine(d.Size, d.SHA256)
	return append(b, end...), err
}

// resolve returns the document's description, and ends an update that was cut.
func (c *content) resolve(disk Disk) (proxy.Document, error) {
	lines, err := readText(disk, c.paths.description)
	if err != nil {
		return proxy.Document{}, missing(err)
	}
	known, sealed, err := parseDescriptionOf(c.id, lines)
	if err != nil {
		return known, err
	}
	f, err := openForReading(disk, c.paths.document)
	if err != nil {
		return known, err
	}
	defer f.Close()
	next, pending := pendingOf(lines)
	if !pending {
		if !sealed {
			err = errors.New("the document's description has no digest")
		}
		return known, err
	}
	size, err := f.Size()
	if err != nil {
		return known, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return known, err
	}
	if size == next.Size && next.SHA256 == [32]byte(h.Sum(nil)) {
		known = next
	}
	c.store.log.Warn("an update of a document was cut, and is ended", "document", c.id, "updated", known == next)
	return known, c.describeAs(disk, known)
}

// pendingOf returns the document that an update which is not ended makes.
func pendingOf(lines []byte) (d proxy.Document, pending bool) {
	for one := range bytes.Lines(lines) {
		var p pendingUpdate
		if json.Unmarshal(one, &p) != nil || p.Next == nil {
			continue
		}
		first, err1 := line(p.Next.description)
		end, err2 := line(p.Next.seal)
		d, sealed, err3 := parseDescription(append(first, end...))
		if errors.Join(err1, err2, err3) == nil && sealed {
			return d, true
		}
	}
	return d, false
}

// await waits until an update of the document has ended, or ends one that was cut.
func (s *Store) settleUpdate(id string) error {
	c, release, err := s.content(id)
	if err != nil {
		return err
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.resolve(s.files())
	return err
}

// document opens a document whose description is its own: neither it nor the file may be
// replaced between the two.
func (s *Store) document(id string) (*reader, error) {
	p, err := pathsOf(id)
	if err != nil {
		return nil, err
	}
	for {
		r, whole, err := s.tryDocument(p, id)
		if whole || err != nil {
			return r, err
		}
		if err := s.settleUpdate(id); err != nil {
			return nil, err
		}
	}
}

func (s *Store) tryDocument(p paths, id string) (r *reader, whole bool, err error) {
	disk := s.files()
	before, err := readText(disk, p.description)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	f, err := openForReading(disk, p.document)
	if err != nil {
		return nil, false, err
	}
	after, err := readText(disk, p.description)
	if err == nil && (!bytes.Equal(before, after) || hasPending(after)) {
		return nil, false, f.Close()
	}
	var d proxy.Document
	if err == nil {
		d, err = describedFile(f, after, id)
	}
	if err != nil {
		f.Close()
		return nil, false, missing(err)
	}
	return newReader(f, d), true, nil
}

func hasPending(lines []byte) bool {
	_, pending := pendingOf(lines)
	return pending
}
