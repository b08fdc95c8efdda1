package proxy

import (
	"context"
	"io"
	"time"

	"attache/bridge"
)

// Fetch is one request for the content of a grant.
type Fetch struct {
	Grant Grant
	// Resumes is the SHA-256, in hex, of the content that the caller has a part of: a
	// download of the same content may resume after the grant's Expires. Empty: the
	// download begins.
	Resumes string
	// Look asks for the description only, which is not a use of the grant.
	Look bool
}

// Download is a document that a party may read. Close it.
type Download struct {
	Content
	Name      string // as announced
	transfers *Transfers
	release   func()
}

// Close ends the download.
func (d *Download) Close() error {
	defer d.release()
	return d.Content.Close()
}

// WriteTo writes the content, from where it is, and counts it as traffic.
func (d *Download) WriteTo(w io.Writer) (int64, error) {
	return copyContent(countingWriter{w, &d.transfers.down}, d.Content)
}

// Open opens the content for one request, if the request may still be made. It waits for
// the party's rate limit, like a message of the party's. Downloads of one session at a
// time are bounded, and the first use of a grant is written to the audit log.
func (t *Transfers) Open(ctx context.Context, f Fetch) (*Download, error) {
	release := t.downloads.acquire(f.Grant.Session)
	if release == nil {
		return nil, bridge.NewError(bridge.CodeBusy, "this session has too many concurrent downloads")
	}
	content, err := t.open(ctx, f)
	if err != nil {
		release()
		return nil, err
	}
	return &Download{content, f.Grant.Name, t, release}, nil
}

func (t *Transfers) open(ctx context.Context, f Fetch) (Content, error) {
	who := Identity{Session: f.Grant.Session, Party: bridge.Party{UserID: f.Grant.UserID}}
	rates, leave := t.rates.visit(who)
	defer leave()
	if err := rates.Wait(ctx); err != nil {
		return nil, err
	}
	if err := t.audited.confirm(f.Grant, func() error { return t.allowed(ctx, f.Grant) }); err != nil {
		return nil, err
	}
	content, err := t.contentOf(ctx, f.Grant)
	if err != nil {
		return nil, err
	}
	if err := t.begin(f, content.Document()); err != nil {
		content.Close()
		return nil, err
	}
	return content, nil
}

// inspectionWait is how long a request for content waits for an inspection: less than a page
// waits for the first byte.
const inspectionWait = 10 * time.Second

// contentOf opens the content of a grant. With a scanner it is what was found clean, whatever
// the store has by now: as it was scanned by our delivery, or from the Inspector.
func (t *Transfers) contentOf(ctx context.Context, g Grant) (Content, error) {
	content, err := t.openNamed(ctx, g.Session, g.DocumentID)
	if err != nil || t.cfg.Inspector == nil {
		return content, err
	}
	sum, scanned := g.sum()
	if scanned && !g.Spooled && content.Document().SHA256 == sum {
		return content, nil
	}
	content.Close()
	waiting, cancel := context.WithTimeout(ctx, inspectionWait)
	defer cancel()
	if scanned {
		content, err = t.cfg.Inspector.Open(waiting, g.DocumentID, sum)
	} else { // the ticket is from a time without a scanner
		content, err = t.cfg.Inspector.Inspect(waiting, g.DocumentID, sum)
	}
	if err != nil && waiting.Err() != nil {
		return nil, bridge.NewError(bridge.CodeBusy, "the file is being scanned")
	}
	return content, err
}

// allowed asks whether the grant's party still has the right to its file: it is in the
// session, the session has not ended, and the file is one that the party may see.
func (t *Transfers) allowed(ctx context.Context, g Grant) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := t.cfg.Chat.File(ctx, g.Session, g.UserID, g.FileID)
	return err
}

// begin refuses a download that begins too late, and writes the first use of a grant to
// the audit log.
func (t *Transfers) begin(f Fetch, d Document) error {
	if late := time.Now().After(f.Grant.Expires); late && !d.HasDigest() {
		return bridge.NewError(bridge.CodeTicketExpired, "the download link has expired, and the store knows no checksum by which this file could be resumed")
	} else if late && f.Resumes != d.Digest() {
		return bridge.NewError(bridge.CodeTicketExpired, "")
	}
	if f.Look {
		return nil
	}
	return t.audited.first(f.Grant, func() error {
		e := f.Grant.auditRecord(ActionDownload, d.Size)
		e.Digest = d.Digest()
		return t.cfg.Audit.Write(e)
	})
}
