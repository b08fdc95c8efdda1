// Package gwstest is a double of GWS for tests: it was written from what the vendor documents,
// and nobody has compared it with a GWS. It assumes:
//
//  1. POST /me/interactions/{id}/attachments takes one multipart field, attachment, and answers
//     {"statusCode":0,"documentId":…} (documented for 8.5.0). Each request makes a document.
//  2. GET and DELETE …/attachments/{documentId} read and delete it (documented). Ranges are
//     ignored, unless Ranges is set (unknown).
//  3. POST /api/v2/me/chats/{id} takes AddAttachment and RemoveAttachment (documented for 8.5.2),
//     and attaching the same document again attaches it twice (unknown; the worse case).
//  4. POST /media/{media}/interactions/{id}/add-document and …/remove-attachment/{documentId}, and
//     GET …/attachments/{documentId}, do the same for the Workspace API, with the members in an
//     object data (seen in its clients; unknown whether they are wrapped).
//  5. Every request authenticates by basic, by a cookie that GET /api/v2/me gives for basic, or by
//     a bearer token (unknown which).
//  6. An unknown interaction or document is 404; a refusal is 200 with a statusCode that is not 0
//     (inferred).
package gwstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The account that the double knows.
const (
	User   = "agent@example.com"
	Secret = "a password"
)

// Attachment is a document that is attached to an interaction.
type Attachment struct {
	Interaction, Document, Name, Mime string
	Size                              int64
}

// Server is an http.Handler.
type Server struct {
	Ranges bool // serves ranges
	// OnAttach is called for each attachment before the answer, as a GWS would tell the chat.
	OnAttach func(Attachment)

	mu        sync.Mutex
	mux       *http.ServeMux
	documents map[string][]byte
	names     map[string]string
	attached  []Attachment
	faults    []Fault
	sessions  map[string]bool
	made      int
}

// Fault is what happens instead to the next request with that method and a path that ends so.
type Fault struct {
	Method, Suffix string
	// Lose does what is asked and loses the answer. Otherwise nothing is done, and Status
	// or StatusCode is answered.
	Lose       bool
	Status     int
	StatusCode int
	Body       string // the whole answer, if it is not empty
}

// New returns a double without documents.
func New() *Server {
	s := &Server{mux: http.NewServeMux(), documents: map[string][]byte{}, names: map[string]string{}, sessions: map[string]bool{}}
	s.mux.HandleFunc("POST /me/interactions/{id}/attachments", s.store)
	for _, path := range []string{"/me/interactions/{id}/attachments/{document}", "/media/chat/interactions/{id}/attachments/{document}"} {
		s.mux.HandleFunc("GET "+path, s.read)
		s.mux.HandleFunc("DELETE "+path, s.delete)
	}
	s.mux.HandleFunc("POST /api/v2/me/chats/{id}", s.operation)
	s.mux.HandleFunc("POST /media/chat/interactions/{id}/add-document", s.addDocument)
	s.mux.HandleFunc("POST /media/chat/interactions/{id}/remove-attachment/{document}", s.removeAttachment)
	s.mux.HandleFunc("GET /api/v2/me", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := strconv.Itoa(len(s.sessions) + 1)
		s.sessions[id] = true
		http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: id, Path: "/", HttpOnly: true})
		answer(w, map[string]any{"statusCode": 0})
	})
	return s
}

// Fail adds a fault.
func (s *Server) Fail(f Fault) { s.mu.Lock(); defer s.mu.Unlock(); s.faults = append(s.faults, f) }

// EndSessions makes every cookie invalid.
func (s *Server) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.sessions {
		s.sessions[id] = false
	}
}

// Attached returns what is attached, in the order of the requests.
func (s *Server) Attached() []Attachment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Attachment(nil), s.attached...)
}

// Documents returns the content of every document by its id.
func (s *Server) Documents() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]byte{}
	for id, content := range s.documents {
		all[id] = content
	}
	return all
}

// Put stores a document, as another program does.
func (s *Server) Put(name string, content []byte) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	id = fmt.Sprintf("0000Xa%010d", s.made)
	s.documents[id], s.names[id] = content, name
	return id
}

func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method == r.Method && bytes.HasSuffix([]byte(r.URL.Path), []byte(f.Suffix)) {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
			return &f
		}
	}
	return nil
}

func (s *Server) known(r *http.Request) bool {
	if user, password, ok := r.BasicAuth(); ok {
		return user == User && password == Secret
	}
	if r.Header.Get("Authorization") == "Bearer "+Secret {
		return true
	}
	c, err := r.Cookie("JSESSIONID")
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.sessions[c.Value]
}

// ServeHTTP serves a request, or its fault.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.fault(r)
	switch {
	case !s.known(r):
		w.WriteHeader(http.StatusUnauthorized)
	case f == nil:
		s.mux.ServeHTTP(w, r)
	case f.Lose:
		s.mux.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	default:
		io.Copy(io.Discard, r.Body)
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		if f.Body != "" {
			io.WriteString(w, f.Body)
		} else if f.StatusCode != 0 {
			answer(w, map[string]any{"statusCode": f.StatusCode, "statusMessage": "refused by the double"})
		}
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (s *Server) store(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("attachment")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, map[string]any{"statusCode": 0, "documentId": s.Put(header.Filename, content)})
}

func (s *Server) read(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	content, ok := s.documents[r.PathValue("document")]
	name := s.names[r.PathValue("document")]
	s.mu.Unlock()
	switch {
	case !ok:
		http.NotFound(w, r)
	case s.Ranges:
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	default:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content)
	}
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	_, ok := s.documents[r.PathValue("document")]
	delete(s.documents, r.PathValue("document"))
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer(w, map[string]any{"statusCode": 0})
}

type members struct {
	OperationName string `json:"operationName"`
	DocumentID    string `json:"documentId"`
	Name          string `json:"name"`
	Mime          string `json:"mime"`
	Size          int64  `json:"size"`
}

func (s *Server) operation(w http.ResponseWriter, r *http.Request) {
	var m members
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch m.OperationName {
	case "AddAttachment":
		s.attach(r.PathValue("id"), m)
	case "RemoveAttachment":
		s.detach(m.DocumentID)
	default:
		answer(w, map[string]any{"statusCode": 3})
		return
	}
	answer(w, map[string]any{"statusCode": 0})
}

func (s *Server) addDocument(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Data members `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Data.DocumentID == "" {
		http.Error(w, "no documentId", http.StatusBadRequest)
		return
	}
	s.attach(r.PathValue("id"), body.Data)
	answer(w, map[string]any{"status": map[string]any{"code": 0}})
}

func (s *Server) removeAttachment(w http.ResponseWriter, r *http.Request) {
	s.detach(r.PathValue("document"))
	answer(w, map[string]any{"status": map[string]any{"code": 1}})
}

func (s *Server) attach(interaction string, m members) {
	a := Attachment{Interaction: interaction, Document: m.DocumentID, Name: m.Name, Mime: m.Mime, Size: m.Size}
	s.mu.Lock()
	s.attached = append(s.attached, a)
	s.mu.Unlock()
	if s.OnAttach != nil {
		s.OnAttach(a)
	}
}

func (s *Server) detach(document string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.attached[:0]
	for _, a := range s.attached {
		if a.Document != document {
			left = append(left, a)
		}
	}
	s.attached = left
}
