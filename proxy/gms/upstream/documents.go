package upstream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
)

// document is what is known of a file of a chat. Its id is ours, because GMS may hide that of
// the document, and takes the file-id for a download.
type document struct {
	Session, FileID string
	Index           int64 // of its notice
	Name            string
	Size            int64
	UserID          string // of the customer, if it sent the file
	Deleted         bool

	// Content is where its bytes are, once they were downloaded, and SHA256 what they are.
	Content string    `json:",omitempty"`
	SHA256  [32]byte  `json:",omitzero"`
	Fetched time.Time `json:",omitzero"`
	// Free says that no attempt has paid for the download yet; Paid are the attempts that have.
	Free bool     `json:",omitempty"`
	Paid []string `json:",omitempty"`
}

// maxPaid bounds the attempts that are remembered.
const maxPaid = 100

// documentID is that of a file.
func documentID(session, fileID string) string {
	return docid.Of(docid.Epoch, sha256.Sum256([]byte(session+"/"+fileID)))
}

func (c *Client) document(ctx context.Context, id string) (document, uint64, error) {
	var d document
	if strings.ContainsAny(id, ".*> \t\r\n") || id == "" {
		return d, 0, nil
	}
	revision, err := c.read(ctx, documentPrefix+id, &d)
	return d, revision, err
}

// changeDocument applies a change until no other proxy is faster. An unknown document has code
// document-unknown.
func (c *Client) changeDocument(ctx context.Context, id string, change func(*document) (changed bool)) (document, error) {
	for {
		d, revision, err := c.document(ctx, id)
		if err != nil {
			return d, err
		}
		if revision == 0 {
			return d, bridge.NewError(bridge.CodeDocument, "")
		}
		if !change(&d) {
			return d, nil
		}
		if _, err = c.write(ctx, documentPrefix+id, d, revision); !errors.Is(err, errOvertaken) {
			return d, err
		}
	}
}

// describe stores what a download needs of a file's notice, and completes the notice: the
// document is one of ours, and the key is there only if it is that of our own upload.
func (c *Client) describe(ctx context.Context, session string, e bridge.Event) (bridge.Event, error) {
	fileID := e.Data.Get(bridge.KeyFileID)
	e.Data = e.Data.Without(bridge.KeyFileKey, bridge.KeyFileSource, bridge.KeyDocumentID)
	if e.Key != "" {
		e.Data = append(e.Data, bridge.Text(bridge.KeyFileKey, e.Key))
	}
	file, err := bridge.DecodeFile(bridge.Event{Type: e.Type, NoticeType: e.NoticeType, Text: e.Text, Data: e.Data, Access: &bridge.Access{}})
	if err != nil || fileID == "" {
		return e, nil // a page says why it cannot be downloaded
	}
	d := document{Session: session, FileID: fileID, Index: e.ID, Name: file.Name.Text, Size: file.Size}
	if e.Key != "" {
		d.UserID = e.From.UserID
	}
	id := documentID(session, fileID)
	if _, err := c.write(ctx, documentPrefix+id, d, 0); err != nil && !errors.Is(err, errOvertaken) {
		return e, err
	}
	e.Data = append(e.Data, bridge.Text(bridge.KeyFileSource, bridge.SourceUCS), bridge.Text(bridge.KeyDocumentID, id))
	return e, nil
}

// markDeleted makes a file unknown from now on.
func (c *Client) markDeleted(ctx context.Context, session, fileID string) error {
	_, err := c.changeDocument(ctx, documentID(session, fileID), func(d *document) bool {
		changed := !d.Deleted
		d.Deleted = true
		return changed
	})
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil
	}
	return err
}

// contents is where downloaded bytes are: the store that the proxies on the engine share, so that
// each of them can answer a retry, even after a restart.
type contents interface {
	proxy.Staging
	proxy.Documents
}

// documents are those of the chats.
type documents struct{ client *Client }

var _ proxy.Documents = documents{}

// Documents returns the files of the chats. staging must also be the store of documents on the
// engine, as that of package assembly is: what was downloaded is kept there.
func (c *Client) Documents(staging proxy.Staging) proxy.Documents {
	c.contents = staging.(contents)
	c.running.Go(c.sweep)
	return documents{c}
}

// Add is never called: see Deliver.
func (documents) Add(context.Context, proxy.Document) (string, error) {
	return "", bridge.NewError(bridge.CodeForbidden, "GMS stores files itself, when they are uploaded")
}

// Open returns a document, whose bytes are downloaded when they are first read, unless they
// were before.
func (s documents) Open(ctx context.Context, id string) (proxy.Content, error) {
	d, revision, err := s.client.document(ctx, id)
	if err != nil {
		return nil, err
	}
	if revision == 0 || d.Deleted {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	if d.Content != "" {
		content, err := s.client.contents.Open(ctx, d.Content)
		if err == nil {
			return fetched{content, d.describe(id)}, nil
		}
		if bridge.CodeOf(err) != bridge.CodeDocument {
			return nil, err
		}
	}
	return &unfetched{ctx: ctx, client: s.client, id: id, document: d}, nil
}

func (d document) describe(id string) proxy.Document {
	return proxy.Document{ID: id, Name: d.Name, Size: d.Size, SHA256: d.SHA256, Session: d.Session, UserID: d.UserID}.Typed()
}

// Remove drops what was downloaded. GMS removes its document itself, when the file is deleted.
func (s documents) Remove(ctx context.Context, id string) error {
	err := s.client.drop(ctx, id, time.Now())
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil
	}
	return err
}

// fetched is a document whose bytes are here.
type fetched struct {
	proxy.Content
	document proxy.Document
}

func (f fetched) Document() proxy.Document { return f.document }

// Piece is that of the content.
func (f fetched) Piece(max int64) ([]byte, error) {
	if p, ok := f.Content.(proxy.Pieces); ok {
		return p.Piece(max)
	}
	b := make([]byte, min(max, 32<<10))
	n, err := f.Content.Read(b)
	return b[:n], err
}

// unfetched is a document that is downloaded when it is read: to scan it, or for a link that
// outlived what was downloaded.
type unfetched struct {
	ctx      context.Context
	client   *Client
	id       string
	document document
	position int64
	content  proxy.Content
}

func (u *unfetched) Document() proxy.Document {
	d := u.document
	d.SHA256 = [32]byte{}
	return d.describe(u.id)
}

func (u *unfetched) Read(p []byte) (int, error) {
	if u.content == nil {
		if err := u.fetch(); err != nil {
			return 0, withoutFailure(err)
		}
	}
	return u.content.Read(p)
}

func (u *unfetched) fetch() error {
	d, err := u.client.fetch(u.ctx, u.id, "")
	if err != nil {
		return err
	}
	content, err := u.client.contents.Open(u.ctx, d.Content)
	if err != nil {
		return err
	}
	u.content = content
	_, err = content.Seek(u.position, io.SeekStart)
	return err
}

// Seek downloads nothing: http.ServeContent asks for the size so.
func (u *unfetched) Seek(offset int64, whence int) (int64, error) {
	if u.content != nil {
		return u.content.Seek(offset, whence)
	}
	switch whence {
	case io.SeekCurrent:
		offset += u.position
	case io.SeekEnd:
		offset += u.document.Size
	}
	if offset < 0 {
		return 0, errors.New("a position before the document")
	}
	u.position = offset
	return offset, nil
}

func (u *unfetched) Close() error {
	if u.content == nil {
		return nil
	}
	return u.content.Close()
}

// orUnavailable gives an error without a code that of the store.
func orUnavailable(err error) error {
	if err == nil || bridge.CodeOf(err) != "" {
		return err
	}
	return bridge.WrapError(cmp.Or(bridge.CodeOf(err), bridge.CodeStorageUnavailable), err)
}
