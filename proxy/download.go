package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"attache/bridge"
)

// ticket gives a party the right to fetch one file, which it asks for on that
// connection. The file must be announced
// in this very session, visible to this party, and put there by our own
// delivery or by a trusted party: an id alone is never a right.
func (p *Proxy) ticket(ctx context.Context, who Identity, conn string, ask *bridge.Ask) (*bridge.Ticket, error) {
	if err := who.Rights.Need(bridge.RightDownload); err != nil {
		return nil, err
	}
	if _, err := bridge.ParseKey(ask.Attempt); err != nil {
		return nil, err
	}
	e, err := p.Chat.File(ctx, who.Session, who.Party.UserID, ask.File)
	if err != nil {
		return nil, err
	}
	file, err := bridge.DecodeFile(e)
	if err != nil {
		return nil, err
	}
	if file.Source != bridge.SourceUCS {
		return nil, bridge.NewError(bridge.CodeFileForeign, "the file lies in "+file.Source+", which cannot be read from here")
	}
	if err := p.vouched(ctx, who.Session, e, file); err != nil {
		return nil, err
	}
	if a, ok := p.Chat.(Allowances); ok && who.customer() {
		if err := a.Attempt(ctx, who.Session, who.Party.UserID, ask.Attempt, ask.File); err != nil {
			return nil, err
		}
	}
	grant := Grant{
		Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: conn,
		FileID: file.ID, DocumentID: file.DocumentID, Name: file.Name.Text, Expires: time.Now().Add(p.TicketTime),
	}
	if err := p.Audit.Write(grant.entry(ActTicket, file.Size)); err != nil {
		return nil, err
	}
	signed, err := p.Tickets.Sign(grant)
	if err != nil {
		return nil, err
	}
	path := bridge.PathFile + "/" + signed + "/" + url.PathEscape(file.Name.Text)
	return &bridge.Ticket{Ref: ask.Ref, Path: path, Expires: grant.Expires.UnixMilli()}, nil
}

func (g Grant) entry(act Act, size int64) Entry {
	return Entry{
		Act: act, Session: g.Session, UserID: g.UserID, UserType: g.UserType, Conn: g.Conn,
		DocumentID: g.DocumentID, FileID: g.FileID, Name: g.Name, Size: size,
	}
}

// vouched reports whether somebody we believe put the document there. A
// customer may have named any document id in a notice of its own; the record of
// our own delivery shows that it did not.
func (p *Proxy) vouched(ctx context.Context, session string, e bridge.Event, file bridge.File) error {
	if e.From.UserType.Trusted() {
		return nil
	}
	record, err := p.Records.Get(ctx, session, file.Key)
	switch {
	case err == nil && record.DocumentID == file.DocumentID && delivered(record):
		return nil
	case err != nil && !errors.Is(err, ErrRecordUnknown):
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return bridge.NewError(bridge.CodeFileUnknown, "")
}

// delivered reports whether an upload may have been announced: the notice is seen
// a moment before the record says so. Behind a scanner it has been called clean.
func delivered(r Record) bool {
	switch r.State {
	case bridge.Accepted, bridge.Stored, bridge.Announced:
		return true
	}
	return r.State == bridge.Scanning && r.Verdict == Clean
}

// serveFile answers a download: GET, HEAD, Range and conditional requests.
func (p *Proxy) serveFile(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodOptions:
		p.origins.cors(w, r)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet, http.MethodHead:
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "a file can only be fetched", http.StatusMethodNotAllowed)
		return
	}
	grant, err := p.Tickets.Verify(r.PathValue("ticket"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	leave := p.fetching.enter(grant.Session)
	if leave == nil {
		w.Header().Set("Retry-After", "1")
		p.refuse(w, r, bridge.NewError(bridge.CodeBusy, "this session has too many downloads at a time"))
		return
	}
	defer leave()
	content, err := p.Documents.Open(r.Context(), grant.DocumentID)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	defer content.Close()
	d := content.Document()
	if r.Method == http.MethodGet {
		err := p.used.once(grant, func() error {
			e := grant.entry(ActDownload, d.Size)
			e.Digest = hex.EncodeToString(d.SHA256[:])
			return p.Audit.Write(e)
		})
		if err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	p.origins.cors(w, r)
	fileHeaders(w.Header(), grant.Name, d)
	http.ServeContent(&patient{ResponseWriter: w, control: http.NewResponseController(w), within: p.PieceTimeout, sent: &p.down}, r, "", d.Created, content)
}
