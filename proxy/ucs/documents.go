package ucs

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"attache/bridge"
	"attache/proxy"
)

// Store is a document store that knows links and updates.
type Store interface {
	proxy.Staging
	proxy.Documents
	proxy.Links
	proxy.Updater
}

// Options are those of [NewDocuments].
type Options struct {
	// MaxSize is the largest TheSize, in bytes; 0 is [proxy.MaxTheSize], because it is a 32-bit
	// number.
	MaxSize int64
	// AnySize accepts a TheSize that is not the length of the content; the document then has the
	// content's. Whether UCS compares them is unknown: it is documented only that it does not
	// check the MimeType. By default the size must be right, because a file that was cut would
	// pass as whole.
	AnySize bool
}

// Documents answers UCS's requests for documents. Its errors are *[Error].
type Documents struct {
	store Store
	cfg   Options
}

// NewDocuments returns the requests over a store, which outlives them.
func NewDocuments(s Store, o Options) *Documents {
	if o.MaxSize == 0 {
		o.MaxSize = proxy.MaxTheSize
	}
	return &Documents{s, o}
}

// AddDocument is RequestAddDocument. With a DocumentID it is in link mode: the document gets
// a link to the interaction. Without one it is in creation mode. Pointers tell a missing
// parameter from an empty one.
type AddDocument struct {
	InteractionID string // may be missing in creation mode, although the reference requires it: its own sample for chat has none
	DocumentID    string
	MimeType      *string
	TheName       *string
	Description   string
	TheSize       *int64
	Content       io.Reader
	Staged        *Staged // instead of Content: it came before its description
}

// Staged is content that came before it was known what it is for. Pass it to Add or Update, or
// to Discard.
type Staged struct {
	id, document string // document is the one whose new content it is; empty: of a new one
	size         int64
	sum          [32]byte
}

const (
	maxID        = 16  // characters of a document's id
	maxAttribute = 256 // characters of TheName and MimeType
)

// Add answers RequestAddDocument with the document's id.
func (d *Documents) Add(ctx context.Context, r AddDocument) (id string, err error) {
	if r.DocumentID == "" {
		id, err = d.create(ctx, r)
	} else {
		id, err = r.DocumentID, d.link(ctx, r)
	}
	return id, answer(err)
}

func (d *Documents) link(ctx context.Context, r AddDocument) error {
	switch {
	case utf8.RuneCountInString(r.DocumentID) > maxID:
		return &Error{Fault: ParameterValueTooLong, Parameter: "DocumentId"}
	case r.InteractionID == "":
		return &Error{Fault: MissingParameter, Parameter: "InteractionId"}
	case r.Content != nil || r.Staged != nil:
		return &Error{Fault: TwoIncompatible, Parameter: "DocumentId, Content"}
	}
	return d.store.Link(ctx, r.DocumentID, r.InteractionID)
}

func (d *Documents) create(ctx context.Context, r AddDocument) (string, error) {
	switch {
	case r.MimeType == nil:
		return "", &Error{Fault: MissingParameter, Parameter: "MimeType"}
	case r.TheName == nil || *r.TheName == "":
		return "", &Error{Fault: MissingParameter, Parameter: "TheName"}
	case r.TheSize == nil:
		return "", &Error{Fault: MissingParameter, Parameter: "TheSize"}
	}
	if r.InteractionID != "" && !bridge.ValidSession(r.InteractionID) {
		return "", &Error{Fault: IncorrectParameterValue, Parameter: "InteractionId"}
	}
	doc := proxy.Document{
		Name: *r.TheName, MimeType: *r.MimeType, Description: r.Description, Session: r.InteractionID,
	}
	if err := check(doc); err != nil {
		return "", err
	}
	staged, err := r.Staged, error(nil)
	if staged == nil {
		staged, err = d.Stage(ctx, "", r.TheSize, r.Content)
	}
	if err != nil {
		return "", err
	}
	doc.ID, doc.Size, doc.SHA256 = staged.id, staged.size, staged.sum
	if err = d.checkSize(r.TheSize, staged.size); err == nil {
		_, err = d.store.Add(ctx, doc)
	}
	if err == nil {
		err = d.settle(ctx, doc.ID)
	}
	if err != nil {
		return "", errors.Join(err, d.store.Discard(context.WithoutCancel(ctx), doc.ID))
	}
	return doc.ID, nil
}

// check refuses attributes that are too long, and types that would break a header.
func check(d proxy.Document) error {
	switch {
	case utf8.RuneCountInString(d.Name) > maxAttribute:
		return &Error{Fault: AttributeValueTooLong, Parameter: "TheName"}
	case utf8.RuneCountInString(d.MimeType) > maxAttribute:
		return &Error{Fault: AttributeValueTooLong, Parameter: "MimeType"}
	case strings.ContainsFunc(d.MimeType, unicode.IsControl):
		return &Error{Fault: IncorrectParameterValue, Parameter: "MimeType"}
	case strings.Contains(d.Name, "\x00"):
		return &Error{Fault: IncorrectParameterValue, Parameter: "TheName"}
	}
	return nil
}

// Stage stages content for a new document, or for an update of the document with that id. A size
// that is known is checked.
func (d *Documents) Stage(ctx context.Context, document string, size *int64, content io.Reader) (*Staged, error) {
	if err := d.store.AdmitUpload(); err != nil {
		return nil, answer(err)
	}
	id := d.store.NewID()
	if document != "" {
		var err error
		if id, err = d.store.NewContent(document); err != nil {
			return nil, answer(err)
		}
	}
	s := &Staged{id: id, document: document}
	if err := d.stage(ctx, s, size, content); err != nil {
		return nil, answer(errors.Join(err, d.Discard(ctx, s)))
	}
	return s, nil
}

func (d *Documents) stage(ctx context.Context, s *Staged, size *int64, content io.Reader) error {
	most := d.cfg.MaxSize
	if size != nil && (*size < 0 || *size > most) {
		return &Error{Fault: IncorrectParameterValue, Parameter: "TheSize"}
	}
	if content == nil {
		content = eof{}
	}
	doc := proxy.Document{ID: s.id, Size: -1}
	if size != nil && !d.cfg.AnySize {
		doc.Size, most = *size, *size
	}
	staged, err := proxy.Stage(ctx, d.store, doc, io.LimitReader(content, most+1))
	if err != nil {
		return err
	}
	if staged.Size > most {
		return &Error{Fault: IncorrectParameterValue, Parameter: "TheSize"}
	}
	s.size, s.sum = staged.Size, staged.SHA256
	return d.checkSize(size, s.size)
}

// checkSize compares TheSize, if it was given, with the size of the content.
func (d *Documents) checkSize(given *int64, size int64) error {
	if given != nil && *given != size && !d.cfg.AnySize {
		return &Error{Fault: IncorrectParameterValue, Parameter: "TheSize"}
	}
	return nil
}

// Discard removes staged content. What became a document, or its content, stays.
func (d *Documents) Discard(ctx context.Context, s *Staged) error {
	if s == nil {
		return nil
	}
	return d.store.Discard(context.WithoutCancel(ctx), s.id)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (d *Documents) settle(ctx context.Context, id string) error {
	if s, ok := d.store.(proxy.Settler); ok {
		return s.Settle(ctx, id)
	}
	return nil
}

// Get answers RequestGetDocument: the description, and the content unless without is set (the
// reference's sample sets no flag and reads the content). Close the content.
func (d *Documents) Get(ctx context.Context, id string, without bool) (proxy.Document, proxy.Content, error) {
	if err := checkID(id); err != nil {
		return proxy.Document{}, nil, err
	}
	if without {
		doc, err := d.store.Describe(ctx, id)
		return doc, nil, answer(err)
	}
	content, err := d.store.Open(ctx, id)
	if err != nil {
		return proxy.Document{}, nil, answer(err)
	}
	return content.Document(), content, nil
}

// UpdateDocument is RequestUpdateDocument: nil leaves what it is about.
type UpdateDocument struct {
	DocumentID                     string
	MimeType, TheName, Description *string
	TheSize                        *int64
	Content                        io.Reader
	Staged                         *Staged // as in AddDocument
}

// Update answers RequestUpdateDocument.
func (d *Documents) Update(ctx context.Context, r UpdateDocument) error {
	if err := checkID(r.DocumentID); err != nil {
		return err
	}
	return answer(d.update(ctx, r))
}

func (d *Documents) update(ctx context.Context, r UpdateDocument) error {
	doc, err := d.store.Describe(ctx, r.DocumentID)
	if err != nil {
		return err
	}
	if r.TheName != nil && *r.TheName == "" {
		return &Error{Fault: IncorrectParameterValue, Parameter: "TheName"}
	}
	for to, from := range map[*string]*string{&doc.MimeType: r.MimeType, &doc.Name: r.TheName, &doc.Description: r.Description} {
		if from != nil {
			*to = *from
		}
	}
	if err := check(doc); err != nil {
		return err
	}
	if r.Content == nil && r.Staged == nil {
		if err := d.checkSize(r.TheSize, doc.Size); err != nil {
			return err
		}
		return d.store.Update(ctx, doc, "")
	}
	staged, err := d.stagedUpdate(ctx, r)
	if err != nil {
		return err
	}
	defer d.Discard(ctx, staged)
	if err := d.checkSize(r.TheSize, staged.size); err != nil {
		return err
	}
	doc.Size, doc.SHA256 = staged.size, staged.sum
	return d.store.Update(ctx, doc, staged.id)
}

// stagedUpdate stages the content of an update. What was staged before the document was known is
// copied, because a store keeps a document's contents together.
func (d *Documents) stagedUpdate(ctx context.Context, r UpdateDocument) (*Staged, error) {
	if r.Staged == nil {
		return d.Stage(ctx, r.DocumentID, r.TheSize, r.Content)
	}
	if r.Staged.document == r.DocumentID {
		return r.Staged, nil
	}
	content, err := d.store.Staged(ctx, r.Staged.id)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return d.Stage(ctx, r.DocumentID, r.TheSize, content)
}

// Remove answers RequestRemoveDocument: with an interaction only that link goes, and the document
// with its last one; without one the document goes with all its links.
func (d *Documents) Remove(ctx context.Context, id, interaction string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if _, err := d.store.Describe(ctx, id); err != nil {
		return answer(err)
	}
	if interaction != "" {
		return answer(d.store.Unlink(ctx, id, interaction))
	}
	return answer(d.store.Remove(ctx, id))
}

func checkID(id string) error {
	switch {
	case id == "":
		return &Error{Fault: MissingParameter, Parameter: "DocumentId"}
	case utf8.RuneCountInString(id) > maxID:
		return &Error{Fault: ParameterValueTooLong, Parameter: "DocumentId"}
	}
	return nil
}

// answer is ErrorOf as an error.
func answer(err error) error {
	if err == nil {
		return nil
	}
	return ErrorOf(err)
}
