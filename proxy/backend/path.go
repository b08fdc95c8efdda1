package backend

import (
	"net/url"
	"strings"
)

// The paths. A segment in braces is percent-encoded UTF-8.
const (
	pathHello = "/backend" // GET: versions and features

	pathSession = "/backend/v1/sessions/{session}"
	pathParties = pathSession + "/parties"          // POST: join
	pathKey     = pathSession + "/events/{key}"     // GET: the event with that key
	pathRecord  = pathSession + "/events"           // GET ?after=: a page of the transcript
	pathParty   = pathParties + "/{user}"           //
	pathLeave   = pathParty + "/leave"              // POST
	pathEvents  = pathParty + "/events"             // POST: a message or a notice; GET ?after=: the stream
	pathFile    = pathParty + "/files/{file}"       // GET: the notice with that file-id
	pathActive  = pathParty + "/active"             // POST: bytes of its upload arrive
	pathLimits  = pathParty + "/limits"             // GET
	pathReserve = pathParty + "/reservations/{key}" // PUT, PATCH, DELETE
	pathAttempt = pathParty + "/attempts/{key}"     // PUT

	pathEnded = "/backend/v1/ended" // GET ?after=: sessions that have ended

	pathResponses = "/backend/v1/responses" // GET ?words=&after=&max=: a page of the library
	pathResponse  = pathResponses + "/{id}" // GET: whether the document is in it

	pathChanges = "/backend/v1/limits" // GET ?after=: the latest change of limits

	pathDocuments = "/backend/v1/documents/"
	pathDocument  = pathDocuments + "{id}"         // PUT, GET and HEAD with Range, PATCH, DELETE
	pathLink      = pathDocument + "/links/{link}" // PUT, DELETE
)

// pathOf fills the pattern's braces with the segments, in order.
func pathOf(pattern string, segments ...string) string {
	var out []byte
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '{' {
			out = append(out, pattern[i])
			continue
		}
		for pattern[i] != '}' {
			i++
		}
		out = append(out, url.PathEscape(segments[0])...)
		segments = segments[1:]
	}
	return string(out)
}

// hasDotSegment reports whether a segment of the path is empty, "." or "..". No
// percent-encoding hides these (RFC 3986, 6.2.2.3): a reverse proxy, or the other end
// itself, may resolve them. A page can name an id of that form, but no document or file has one.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
