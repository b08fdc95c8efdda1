package proxy

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy/guests"
)

// ticket grants a wish, signs the grant and puts it into a link.
func (p *Proxy) ticket(ctx context.Context, asked *asked, ref int64) (*bridge.Ticket, error) {
	grant, d, err := asked.grant(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := p.cfg.Tickets.Sign(grant)
	if err != nil {
		return nil, err
	}
	path := bridge.PathFile + "/" + signed + "/" + url.PathEscape(grant.Name)
	ticket := &bridge.Ticket{Ref: ref, Path: path, Expires: grant.Expires.UnixMilli(), Size: d.Size, Digest: d.Digest()}
	return ticket, nil
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
		p.replyError(w, r, err)
		return
	}
	guests.MarkKnown(r.Context())
	oneRange(r.Header)
	plainTag(r.Header)
	download, err := p.transfers.Open(r.Context(), Fetch{Grant: grant, Resumes: resumes(r.Header), Look: r.Method != http.MethodGet})
	if err != nil {
		p.replyError(w, r, err)
		return
	}
	defer download.Close()
	d := download.Document()
	if d.Size == 0 {
		// No part of it exists, and net/http makes bytes 0 to -1 of a request for the last n.
		r.Header.Del("Range")
	}
	p.cors(w, r)
	fileHeaders(w.Header(), grant.Name, d)
	out := &deadlineWriter{ResponseWriter: w, control: http.NewResponseController(w), within: p.cfg.PieceTimeout, sent: &p.transfers.down}
	modified := d.Created
	if !d.HasDigest() {
		modified = time.Time{}
	}
	http.ServeContent(out, r, "", modified, download.Content)
}

// oneRange drops Range headers that no download needs: several ranges, each of which
// would be a seek of its own, units other than bytes (RFC 9110, section 14.2), and the
// last 0 bytes, of which net/http makes a part that ends before it begins. The whole file
// is the answer then.
func oneRange(h http.Header) {
	asked := h.Values("Range")
	if len(asked) > 1 || len(asked) == 1 && (!strings.HasPrefix(asked[0], "bytes=") || strings.Contains(asked[0], ",") || strings.Trim(asked[0], "0") == "bytes=-") {
		h.Del("Range")
	}
}

// plainTag undoes how a reverse proxy that compresses has changed our entity tag: nginx
// makes it weak, Apache, Caddy and Jetty append the encoding. Otherwise a download that
// was cut would start again from its beginning, or not resume at all. The tag is a digest
// and parts are never compressed, so a part belongs to the same bytes however the tag was
// changed.
func plainTag(h http.Header) {
	m := changedTag.FindStringSubmatch(h.Get("If-Range"))
	if m != nil {
		h.Set("If-Range", m[1]+`"`)
	}
}

var changedTag = regexp.MustCompile(`^(?:W/)?("[0-9a-f]{64})(?:(?:--?|;)(?:gzip|br|zstd|deflate))?"$`)

// resumes returns the digest of the content that a request has a part of already, if it
// asks for another part: a Range with our entity tag, as plainTag has left it.
func resumes(h http.Header) string {
	if h.Get("Range") == "" {
		return ""
	}
	digest, ok := strings.CutPrefix(h.Get("If-Range"), `"`)
	if !ok {
		return ""
	}
	digest, ok = strings.CutSuffix(digest, `"`)
	if !ok {
		return ""
	}
	return digest
}
