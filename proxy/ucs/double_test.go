package ucs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ucsDouble is a written double of UCS 9.1's HTTP interface, which shares no code with our own
// end: it holds whole documents in memory, as UCS does. Nothing of it was seen at a real UCS. Its
// assumptions:
//
//  1. The path is /ucs/v1/OMInteractions/{method} (documented).
//  2. POST creates, PUT updates, GET reads, DELETE deletes; parameters are in the query of GET and
//     DELETE, and in "Parameters" of a JSON body otherwise (documented).
//  3. Members have the names of the ESP messages (documented: the guide describes each method's
//     ESP form, and they are the same).
//  4. Content is padded base64 of the usual alphabet (inferred).
//  5. AddDocument without Content makes an empty document (inferred: MimeType, TheName and TheSize
//     are mandatory, Content is not).
//  6. TheSize is stored as it was sent, and compared with nothing (documented for the MimeType only).
//  7. GetDocument without IncludeBinaryContent has content (inferred from the chat sample).
//  8. A fault has FaultCode, FaultString and ErrorDescription at the top level (the names are
//     documented, of EventError).
//  9. Nothing says which document an AddDocument has made, but its answer.
type ucsDouble struct {
	t *testing.T
	*httptest.Server

	mu        sync.Mutex
	documents map[string]map[string]any
	next      int
	calls     map[string]int

	// instead answers a request in the double's place if it returns true.
	instead func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) bool
}

func newDouble(t *testing.T) *ucsDouble {
	d := &ucsDouble{t: t, documents: map[string]map[string]any{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	for verb, method := range map[string]string{"POST": "AddDocument", "GET": "GetDocument", "PUT": "UpdateDocument", "DELETE": "RemoveDocument"} {
		mux.HandleFunc(verb+" /ucs/v1/OMInteractions/"+method, func(w http.ResponseWriter, r *http.Request) {
			d.mu.Lock()
			d.calls[method]++
			instead := d.instead
			d.mu.Unlock()
			if instead == nil || !instead(d, w, r, method) {
				d.serve(w, r, method)
			}
		})
	}
	d.Server = httptest.NewServer(mux)
	t.Cleanup(func() { d.CloseClientConnections(); d.Close() })
	return d
}

// interfere sets what answers in the double's place.
func (d *ucsDouble) interfere(f func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instead = f
}

func (d *ucsDouble) serve(w http.ResponseWriter, r *http.Request, method string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var body struct{ Parameters map[string]any }
	if r.Method == "POST" || r.Method == "PUT" {
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			return // the client is gone
		}
	}
	id := r.URL.Query().Get("DocumentId")
	if method == "UpdateDocument" {
		id, _ = body.Parameters["DocumentId"].(string)
	}
	if content, ok := body.Parameters["Content"].(string); ok {
		if _, err := base64.StdEncoding.DecodeString(content); err != nil {
			reply(w, 400, map[string]any{"FaultCode": "IncorrectParameterValue", "FaultString": "Content"})
			return
		}
	}
	known := d.documents[id]
	switch {
	case method == "AddDocument":
		d.next++
		id = fmt.Sprintf("0001Xa%06d0001", d.next)
		delete(body.Parameters, "InteractionId")
		d.documents[id] = body.Parameters
		reply(w, 200, map[string]any{"DocumentId": id})
	case known == nil:
		reply(w, 404, map[string]any{"FaultCode": "ObjectNotFound", "FaultString": "no such document", "ErrorDescription": id})
	case method == "GetDocument":
		out := map[string]any{}
		for k, v := range known {
			if k != "Content" || r.URL.Query().Get("IncludeBinaryContent") != "false" {
				out[k] = v
			}
		}
		reply(w, 200, out)
	case method == "UpdateDocument":
		for k, v := range body.Parameters {
			known[k] = v
		}
		reply(w, 200, map[string]any{})
	default:
		delete(d.documents, id)
		reply(w, 200, map[string]any{})
	}
}

func reply(w http.ResponseWriter, status int, members map[string]any) {
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

// has returns the content of all documents, by their ids.
func (d *ucsDouble) has() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]string{}
	for id, members := range d.documents {
		text, _ := members["Content"].(string)
		content, err := base64.StdEncoding.DecodeString(text)
		require.NoError(d.t, err)
		all[id] = string(content)
	}
	return all
}

// lost lets the double do what it is asked, and loses the answer.
func lost(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) {
	d.serve(httptest.NewRecorder(), r, method)
	panic(http.ErrAbortHandler)
}

// once does f for the first call of that method.
func once(method string, f func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string)) func(*ucsDouble, http.ResponseWriter, *http.Request, string) bool {
	var done bool
	var mu sync.Mutex
	return func(d *ucsDouble, w http.ResponseWriter, r *http.Request, called string) bool {
		mu.Lock()
		first := !done && called == method
		done = done || first
		mu.Unlock()
		if first {
			f(d, w, r, called)
		}
		return first
	}
}

// text answers with that body.
func text(status int, body string) func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) {
	return func(_ *ucsDouble, w http.ResponseWriter, r *http.Request, _ string) {
		var drained bytes.Buffer
		drained.ReadFrom(r.Body)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

// silent answers nothing until the client is gone.
func silent(d *ucsDouble, _ http.ResponseWriter, r *http.Request, method string) {
	d.serve(httptest.NewRecorder(), r, method)
	<-r.Context().Done()
}

// brief is a time-out that must pass, and in which a busy machine still answers. patient is one
// that must not pass.
const (
	brief   = 3 * time.Second
	patient = time.Minute
)
