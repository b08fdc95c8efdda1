package ucs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// documents are a Client's documents with the staging that their content comes from.
type documents struct {
	*Client
	staging proxy.Staging
}

var (
	_ proxy.Documents = (*documents)(nil)
	_ proxy.Updater   = (*documents)(nil)
	_ proxy.Bounded   = (*documents)(nil)
	_ proxy.Leftovers = (*documents)(nil)
)

// Documents returns the store, to which Add sends content from staging, which outlives it. It is
// a [proxy.Updater], and a [proxy.Links] if sessions are interactions of UCS.
func (c *Client) Documents(staging proxy.Staging) proxy.Documents {
	d := &documents{c, staging}
	if c.cfg.Dialect.Interaction {
		return linked{d}
	}
	return d
}

// MaxSize is the size of the largest document.
func (c *Client) MaxSize() int64 { return c.cfg.MaxSize }

// markerPrefix begins the Description of a document that has no content yet, so that an operator
// recognizes one that was left behind. What it was staged as follows.
const markerPrefix = "attache-upload "

// Add adds the staged content once; its caller retries.
//
// UCS chooses the id, and tells it in the answer only, which may be lost. So an empty document is
// added first, and its id written down. Its content follows with UpdateDocument, which may be
// repeated. What a lost answer leaves behind is an empty document. Of another Add of the same
// content, in this process or another, the first that wrote its id down counts, and the other
// removes its document.
func (c *documents) Add(ctx context.Context, d proxy.Document) (string, error) {
	id, err := c.add(ctx, d)
	if err != nil {
		return "", fmt.Errorf("add the document %s: %w", d.ID, err)
	}
	return id, nil
}

func (c *documents) add(ctx context.Context, d proxy.Document) (string, error) {
	d = d.Typed()
	if err := d.CheckLengths(); err != nil {
		return "", err
	}
	if d.Size > c.cfg.MaxSize {
		return "", bridge.NewError(bridge.CodeFileSize, "UCS takes files up to "+bridge.Bytes(c.cfg.MaxSize))
	}
	entry, known, err := c.cfg.Ledger.byStaged(ctx, d.ID)
	if err != nil {
		return "", bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if known && entry.Whole {
		if entry.Size != d.Size || entry.SHA256 != d.Digest() {
			return "", bridge.NewError(bridge.CodeDigest, "")
		}
		switch is, err := c.describe(ctx, entry.DocumentID); {
		case err == nil && is.Size == d.Size:
			return entry.DocumentID, nil
		case err != nil && bridge.CodeOf(err) != bridge.CodeDocument:
			return "", err
		}
	}
	entry.Size, entry.SHA256, entry.Whole = d.Size, d.Digest(), false
	if c.cfg.Dialect.Interaction && d.Session != "" && !slices.Contains(entry.Links, d.Session) {
		entry.Links = append(entry.Links, d.Session)
	}
	entry.Staged, entry.Session, entry.UserID, entry.Created = d.ID, d.Session, d.UserID, d.Created
	if entry.Created.IsZero() {
		entry.Created = time.Now().UTC()
	}
	if c.cfg.Dialect.AddAtOnce {
		return c.addAtOnce(ctx, d, entry)
	}
	if entry.DocumentID != "" {
		id, err := c.fill(ctx, d, entry)
		if bridge.CodeOf(err) != bridge.CodeDocument {
			return id, err
		}
		// It was removed from UCS.
	}
	if entry, err = c.begin(ctx, d, entry); err != nil {
		return "", err
	}
	id, err := c.fill(ctx, d, entry)
	if bridge.CodeOf(err) == bridge.CodeDocument { // it was removed at once
		err = bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return id, err
}

// begin adds an empty document and writes its id down.
func (c *documents) begin(ctx context.Context, d proxy.Document, entry Entry) (Entry, error) {
	entry, err := c.create(ctx, d, entry, []member{
		{memberType, d.MimeType}, {memberName, d.Name}, {memberDescription, markerPrefix + d.ID}, {memberSize, int64(0)},
	}, nil)
	if err != nil {
		return entry, err
	}
	crashPoint("begun in UCS")
	return c.writeDown(ctx, entry, false)
}

// writeDown writes an entry, or returns the one that was written meanwhile, and removes the
// document of the other from UCS.
func (c *Client) writeDown(ctx context.Context, entry Entry, whole bool) (Entry, error) {
	entry.Whole = whole
	written, err := c.cfg.Ledger.put(ctx, entry)
	if err == nil {
		return written, nil
	}
	known, found, failed := c.cfg.Ledger.byStaged(ctx, entry.Staged)
	if failed == nil && found && known.DocumentID == entry.DocumentID && known.Whole && known.SHA256 == entry.SHA256 {
		return known, nil // another proxy has sent the same content
	}
	if failed == nil && found && known.DocumentID == "" && errors.Is(err, errLedgerChanged) {
		entry.revision = known.revision // another proxy's AddDocument was unclear
		return c.writeDown(ctx, entry, whole)
	}
	if failed != nil || !found || !errors.Is(err, errLedgerChanged) || known.DocumentID == entry.DocumentID {
		return entry, bridge.WrapError(bridge.CodeStorageUnavailable, errors.Join(err, failed))
	}
	c.cfg.Log.Info("two proxies added one document to UCS", "removed", entry.DocumentID, "kept", known.DocumentID)
	if err := c.Remove(context.WithoutCancel(ctx), entry.DocumentID); err != nil {
		c.cfg.Log.Warn("UCS has a document that nobody uses", "document", entry.DocumentID, "error", err)
	}
	return known, nil
}

// fill sends the content of a document that was begun. It may be repeated.
func (c *documents) fill(ctx context.Context, d proxy.Document, entry Entry) (string, error) {
	staged := d
	d.ID = entry.DocumentID
	if err := c.sendContent(ctx, d, staged.ID); err != nil {
		return "", err
	}
	crashPoint("filled in UCS")
	entry.Whole, entry.Size, entry.SHA256 = true, d.Size, d.Digest()
	entry, err := c.writeDown(ctx, entry, true)
	return entry.DocumentID, err
}

func (c *documents) addAtOnce(ctx context.Context, d proxy.Document, entry Entry) (string, error) {
	content, err := c.staged(ctx, d.ID, d)
	if err != nil {
		return "", err
	}
	defer content.Close()
	entry, err = c.create(ctx, d, entry, []member{
		{memberType, d.MimeType}, {memberName, d.Name}, {memberDescription, d.Description}, {memberSize, d.Size},
	}, content)
	if err != nil {
		return "", err
	}
	crashPoint("added to UCS")
	entry, err = c.writeDown(ctx, entry, true)
	return entry.DocumentID, err
}

// create adds a document and puts its id into the entry. While UCS leaves unclear whether it has
// done so, the pauses grow, over restarts and in all proxies together: otherwise a UCS whose
// answers cannot be read would get a document with each retry.
func (c *Client) create(ctx context.Context, d proxy.Document, entry Entry, members []member, content io.Reader) (Entry, error) {
	if entry.Unclear > 0 && time.Now().Before(entry.AddAfter) {
		return entry, bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf(
			"AddDocument left unclear %d times whether UCS added the document: it is sent again after %s", entry.Unclear, entry.AddAfter.Format(time.RFC3339)))
	}
	id, err := c.addDocument(ctx, d, members, content)
	if err == nil {
		entry.DocumentID, entry.Unclear, entry.AddAfter = id, 0, time.Time{}
		return entry, nil
	}
	if errors.Is(err, errUnclear) {
		entry.AddAfter = time.Now().UTC().Add(c.cfg.UnclearPause << min(2*entry.Unclear, maxUnclearShift))
		entry.Unclear++
		c.cfg.Log.Warn("UCS may have a document that nobody uses", "description", markerPrefix+d.ID, "session", d.Session,
			"times", entry.Unclear, "again after", entry.AddAfter, "error", err)
		if _, failed := c.cfg.Ledger.put(context.WithoutCancel(ctx), entry); failed != nil {
			err = bridge.WrapError(bridge.CodeStorageUnavailable, errors.Join(err, failed))
		}
	}
	return entry, err
}

// maxUnclearShift bounds the pause at about a thousand times the first.
const maxUnclearShift = 10

// addDocument is AddDocument in creation mode.
func (c *Client) addDocument(ctx context.Context, d proxy.Document, members []member, content io.Reader) (string, error) {
	if c.cfg.Dialect.Interaction && d.Session != "" {
		members = append(members, member{memberInteraction, d.Session})
	}
	m, err := c.send(ctx, call{verb: http.MethodPost, method: methodAdd, members: members, content: content, size: d.Size})
	if err != nil {
		return "", err
	}
	id, err := m.text(memberDocument)
	if err != nil || id == nil || checkID(*id) != nil {
		return "", bridge.WrapError(bridge.CodeStorageUnavailable, errors.Join(errUnclear, errors.New("UCS's reply to AddDocument has no DocumentId of at most 16 characters")))
	}
	return *id, nil
}

// staged opens staged content that must be d's.
func (c *documents) staged(ctx context.Context, id string, d proxy.Document) (*hashedContent, error) {
	if d.Size < 0 || !d.HasDigest() {
		return nil, bridge.NewError(bridge.CodeDigest, "")
	}
	content, err := c.staging.Staged(ctx, id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil, bridge.WrapError(bridge.CodeDigest, err) // it was not staged
	}
	if err != nil {
		return nil, err
	}
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err == nil && (size != d.Size || size == 0 && sha256.Sum256(nil) != d.SHA256) {
		err = bridge.NewError(bridge.CodeDigest, "")
	}
	if err != nil {
		content.Close()
		return nil, err
	}
	return &hashedContent{content, sha256.New(), d, 0}, nil
}

// hashedContent fails before its last byte if the content is another than it must be, so that UCS
// never gets the end of its message.
type hashedContent struct {
	io.ReadSeekCloser
	hash     hash.Hash
	document proxy.Document
	n        int64
}

func (r *hashedContent) Read(p []byte) (int, error) {
	n, err := r.ReadSeekCloser.Read(p)
	r.hash.Write(p[:n])
	r.n += int64(n)
	if r.n > r.document.Size || err == io.EOF && r.n < r.document.Size ||
		r.n == r.document.Size && [32]byte(r.hash.Sum(nil)) != r.document.SHA256 {
		return 0, bridge.NewError(bridge.CodeDigest, "")
	}
	return n, err
}

// sendContent is UpdateDocument with content and every attribute.
func (c *documents) sendContent(ctx context.Context, d proxy.Document, staged string) error {
	content, err := c.staged(ctx, staged, d)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = c.send(ctx, call{
		verb: http.MethodPut, method: methodUpdate, members: append(attributes(d), member{memberSize, d.Size}), content: content, size: d.Size,
	})
	return err
}

func attributes(d proxy.Document) []member {
	return []member{{memberDocument, d.ID}, {memberType, d.MimeType}, {memberName, d.Name}, {memberDescription, d.Description}}
}

// Leftover reports whether an Add that has not returned may have left a document, which Remove
// removes.
func (c *Client) Leftover(ctx context.Context, id string) (bool, error) {
	entry, known, err := c.cfg.Ledger.byStaged(ctx, id)
	if err != nil {
		return false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return known && entry.DocumentID != "", nil
}

// idOf is UCS's id of a document, and what we know of it. id may be what it was staged as.
func (c *Client) idOf(ctx context.Context, id string) (string, Entry, error) {
	entry, known, err := c.cfg.Ledger.byStaged(ctx, id)
	if err == nil && !known {
		entry, known, err = c.cfg.Ledger.byDocument(ctx, id)
	}
	switch {
	case err != nil:
		return "", entry, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	case known && entry.DocumentID != "":
		return entry.DocumentID, entry, nil
	}
	return id, entry, nil
}

// Remove removes a document with all its links, by UCS's id or by what it was staged as. An
// unknown id is not an error.
func (c *Client) Remove(ctx context.Context, id string) error {
	known, _, err := c.idOf(ctx, id)
	if err == nil {
		err = c.remove(ctx, member{memberDocument, known})
	}
	if err != nil {
		return fmt.Errorf("remove the document %s: %w", id, err)
	}
	return nil
}

func (c *Client) remove(ctx context.Context, members ...member) error {
	err := c.retry(ctx, func(ctx context.Context) error {
		_, err := c.send(ctx, call{verb: http.MethodDelete, method: methodRemove, members: members})
		return err
	})
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil
	}
	return err
}

// NewContent returns an id for content that is staged here.
func (c *documents) NewContent(string) (string, error) { return c.staging.NewID(), nil }

// Update changes a document, once; its caller retries.
func (c *documents) Update(ctx context.Context, d proxy.Document, staged string) error {
	if err := c.update(ctx, d.Typed(), staged); err != nil {
		return fmt.Errorf("update the document %s: %w", d.ID, err)
	}
	return nil
}

func (c *documents) update(ctx context.Context, d proxy.Document, staged string) error {
	if err := d.CheckLengths(); err != nil {
		return err
	}
	id, entry, err := c.idOf(ctx, d.ID)
	if err != nil {
		return err
	}
	d.ID = id
	if entry.Staged != "" { // which may have been found by its document
		if entry, _, err = c.cfg.Ledger.byStaged(ctx, entry.Staged); err != nil {
			return bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	if staged == "" {
		_, err := c.send(ctx, call{verb: http.MethodPut, method: methodUpdate, members: attributes(d)})
		return err
	}
	if err := c.sendContent(ctx, d, staged); err != nil {
		return err
	}
	entry.DocumentID, entry.Whole, entry.Size, entry.SHA256 = id, true, d.Size, hex.EncodeToString(d.SHA256[:])
	if _, err := c.cfg.Ledger.put(ctx, entry); err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return nil
}
