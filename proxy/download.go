package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy/guests"
)

// How often links are given for one attempt of a customer's. A cut download needs a
// few; without a bound one attempt would be any number of downloads. Each proxy counts
// for itself.
const (
	attemptLinks = 10          // at once
	attemptEvery = time.Minute // and one more
)

// ticket gives a party the right to fetch one file, which it asks for on that
// connection. The file must be announced in this very session, visible to this party,
// and put there by our own delivery or by a trusted party: an id alone is never a right.
func (p *Proxy) ticket(ctx context.Context, who Identity, conn string, ask *bridge.Ask) (*bridge.Ticket, error) {
	if err := who.Rights.Need(bridge.RightDownload); err != nil {
		return nil, err
	}
	if _, err := bridge.ParseKey(ask.Attempt); err != nil {
		return nil, err
	}
	e, err := p.cfg.Chat.File(ctx, who.Session, who.Party.UserID, ask.File)
	if err != nil {
		return nil, err
	}
	file, err := bridge.DecodeFile(e)
	if err != nil {
		return nil, err
	}
	if file.Source != bridge.SourceUCS {
		return nil, bridge.NewError(bridge.CodeFileForeign, "the file is stored in "+file.Source+", which cannot be read from here")
	}
	if err := p.vouched(ctx, who.Session, e, file); err != nil {
		return nil, err
	}
	d, err := p.announced(ctx, file)
	if err != nil {
		return nil, err
	}
	if a, ok := p.cfg.Chat.(Allowances); ok && who.customer() {
		if err := a.Attempt(ctx, who.Session, who.Party.UserID, ask.Attempt, ask.File); err != nil {
			return nil, err
		}
		if !p.linkRates.allow(who.seat()+"/"+ask.Attempt+"/"+ask.File, 1) {
			return nil, bridge.NewError(bridge.CodeBusy, "this download was asked for "+strconv.Itoa(attemptLinks)+" times in a short time; one more link is given each minute")
		}
	}
	now := time.Now()
	grant := Grant{
		Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: conn,
		FileID: file.ID, DocumentID: file.DocumentID, Name: file.Name.Text,
		Expires: now.Add(p.cfg.TicketTime), Ends: now.Add(max(p.cfg.TicketTime, p.cfg.DownloadTime)),
	}
	if err := p.cfg.Audit.Write(grant.entry(ActTicket, file.Size)); err != nil {
		return nil, err
	}
	signed, err := p.cfg.Tickets.Sign(grant)
	if err != nil {
		return nil, err
	}
	path := bridge.PathFile + "/" + signed + "/" + url.PathEscape(file.Name.Text)
	ticket := &bridge.Ticket{Ref: ask.Ref, Path: path, Expires: grant.Expires.UnixMilli(), Size: d.Size}
	if d.SHA256 != ([32]byte{}) {
		ticket.Digest = hex.EncodeToString(d.SHA256[:])
	}
	return ticket, nil
}

// announced returns the document of a file, if it is as large as its notice says:
// the store may hold another one under that id by now, or none.
func (p *Proxy) announced(ctx context.Context, file bridge.File) (Document, error) {
	content, err := p.cfg.Documents.Open(ctx, file.DocumentID)
	if err != nil {
		return Document{}, err
	}
	defer content.Close()
	d := content.Document()
	if d.Size != file.Size {
		return d, bridge.NewError(bridge.CodeDownloadMismatch, "the file was announced with "+strconv.FormatInt(file.Size, 10)+" bytes, and the store holds "+strconv.FormatInt(d.Size, 10))
	}
	return d, nil
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
	record, err := p.cfg.Records.Get(ctx, session, file.Key)
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
		p.cors(w, r)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet, http.MethodHead:
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "a file can only be fetched", http.StatusMethodNotAllowed)
		return
	}
	grant, err := p.cfg.Tickets.Verify(r.PathValue("ticket"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	leave := p.fetching.enter(grant.Session)
	if leave == nil {
		p.refuse(w, r, bridge.NewError(bridge.CodeBusy, "this session has too many downloads at a time"))
		return
	}
	defer leave()
	guests.Known(r.Context())
	content, err := p.open(r, grant)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	defer content.Close()
	if content.Document().Size == 0 {
		// No part of it exists, and net/http makes one of bytes 0 to -1 of the last n.
		r.Header.Del("Range")
	}
	p.cors(w, r)
	fileHeaders(w.Header(), grant.Name, content.Document())
	http.ServeContent(&patient{ResponseWriter: w, control: http.NewResponseController(w), within: p.cfg.PieceTimeout, sent: &p.down}, r, "", content.Document().Created, content)
}

// open opens the document for one request of that ticket's, if the request may
// still be made. It is charged to the pace of the party, like its messages.
func (p *Proxy) open(r *http.Request, grant Grant) (Content, error) {
	ctx := r.Context()
	who := Identity{Session: grant.Session, Party: bridge.Party{UserID: grant.UserID}}
	pace, leave := p.paces.visit(who)
	defer leave()
	if err := pace.Wait(ctx); err != nil {
		return nil, err
	}
	oneRange(r.Header)
	plainTag(r.Header)
	if err := p.used.allowed(grant, func() error { return p.allowed(ctx, grant) }); err != nil {
		return nil, err
	}
	content, err := p.cfg.Documents.Open(ctx, grant.DocumentID)
	if err != nil {
		return nil, err
	}
	if err := p.begin(r, grant, content.Document()); err != nil {
		content.Close()
		return nil, err
	}
	return content, nil
}

// allowed asks whether the ticket's party still has the right to its file: it is
// in the session, the session goes on, and the file is one that it may see.
func (p *Proxy) allowed(ctx context.Context, grant Grant) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, err := p.cfg.Chat.File(ctx, grant.Session, grant.UserID, grant.FileID)
	return err
}

// begin refuses a download that begins too late, and has the first use of a
// ticket written down.
func (p *Proxy) begin(r *http.Request, grant Grant, d Document) error {
	goesOn := r.Header.Get("Range") != "" && r.Header.Get("If-Range") == tag(d) // as plainTag has left it
	if !goesOn && time.Now().After(grant.Expires) {
		return bridge.NewError(bridge.CodeTicketExpired, "")
	}
	if r.Method != http.MethodGet {
		return nil
	}
	return p.used.record(grant, func() error {
		e := grant.entry(ActDownload, d.Size)
		e.Digest = hex.EncodeToString(d.SHA256[:])
		return p.cfg.Audit.Write(e)
	})
}

// oneRange drops what nobody needs of a file: several ranges, each of which would
// be sought anew, units other than bytes (RFC 9110, section 14.2), and the last 0 bytes,
// of which net/http makes a part that ends before it begins. The whole file is the
// answer then.
func oneRange(h http.Header) {
	asked := h.Values("Range")
	if len(asked) > 1 || len(asked) == 1 && (!strings.HasPrefix(asked[0], "bytes=") || strings.Contains(asked[0], ",") || strings.Trim(asked[0], "0") == "bytes=-") {
		h.Del("Range")
	}
}

// plainTag takes away what a reverse proxy that compresses has made of our entity tag: nginx
// makes it weak, Apache, Caddy and Jetty append the encoding. A download that was cut would
// begin anew otherwise, or not go on at all. The tag is a digest and parts are never
// compressed, so a part belongs to the same bytes whatever the tag was made of.
func plainTag(h http.Header) {
	m := bentTag.FindStringSubmatch(h.Get("If-Range"))
	if m != nil {
		h.Set("If-Range", m[1]+`"`)
	}
}

var bentTag = regexp.MustCompile(`^(?:W/)?("[0-9a-f]{64})(?:(?:--?|;)(?:gzip|br|zstd|deflate))?"$`)
