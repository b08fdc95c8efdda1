package ucs_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/ucs"
)

// doubled is a client of a double.
func doubled(t *testing.T, change func(*ucs.ClientOptions)) (*world, *ucsDouble, store) {
	t.Helper()
	w, d := newWorld(t, ucs.Dialect{}), newDouble(t)
	return w, d, w.client(func(o *ucs.ClientOptions) {
		o.URL, o.Timeout = d.URL, patient
		if change != nil {
			change(o)
		}
	})
}

// Whatever happens to one request of an Add, a repeated Add ends with one document that has the
// content. What a lost answer may leave is empty.
func TestClient_AddSurvivesEveryFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		fault  func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string)
		left   int // empty documents that nobody knows
	}{
		"the answer to AddDocument is lost":       {"AddDocument", lost, 1},
		"no answer to AddDocument":                {"AddDocument", silent, 1},
		"AddDocument answers with HTML":           {"AddDocument", text(502, "<html>bad gateway"), 0},
		"AddDocument answers 200 and HTML":        {"AddDocument", text(200, "<html>welcome"), 0},
		"AddDocument answers without an id":       {"AddDocument", text(200, "{}"), 0},
		"AddDocument answers with a long id":      {"AddDocument", text(200, `{"DocumentId":"12345678901234567"}`), 0},
		"AddDocument is cut":                      {"AddDocument", text(200, `{"DocumentId":"0001`), 0},
		"UCS is overloaded":                       {"AddDocument", text(503, `{"FaultCode":"ServerOverloadedRequestRejected"}`), 0},
		"UCS has no database":                     {"AddDocument", text(200, `{"Fault":{"FaultCode":"ConnectionToDbFailed"}}`), 0},
		"a fault is a number":                     {"AddDocument", text(500, `{"FaultCode":48,"FaultString":"timeout"}`), 0},
		"the answer to UpdateDocument is lost":    {"UpdateDocument", lost, 0},
		"no answer to UpdateDocument":             {"UpdateDocument", silent, 0},
		"UpdateDocument answers with HTML":        {"UpdateDocument", text(504, "<html>"), 0},
		"UpdateDocument answers with half a JSON": {"UpdateDocument", text(200, `{"a":`), 0},
		"the document is gone meanwhile": {"UpdateDocument", func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) {
			d.mu.Lock()
			clear(d.documents)
			d.mu.Unlock()
			d.serve(w, r, method)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, double, client := doubled(t, func(o *ucs.ClientOptions) {
				if strings.HasPrefix(name, "no answer") {
					o.Timeout = brief
				}
			})
			double.interfere(once(c.method, c.fault))
			content := random(1000)
			d := w.staged(content)
			id, err := client.Add(t.Context(), d)
			for tries := 0; err != nil && tries < 3; tries++ {
				require.True(t, bridge.AsError(err).Retry, "%v", err)
				_, opened := client.Open(t.Context(), d.ID)
				require.Error(t, opened, "until Add has returned, there is no document")
				id, err = client.Add(t.Context(), d)
			}
			require.NoError(t, err)
			has := double.has()
			require.Equal(t, string(content), has[id])
			delete(has, id)
			require.Len(t, has, c.left)
			for _, other := range has {
				require.Empty(t, other)
			}
			described, got := readAll(t, client, id)
			require.Equal(t, content, got)
			require.Equal(t, d.SHA256, described.SHA256)
		})
	}
}

// With add-at-once, a lost answer leaves a second document, which nobody can find.
func TestClient_AddAtOnce_ALostAnswerLeavesADocument(t *testing.T) {
	t.Parallel()
	w, double, client := doubled(t, func(o *ucs.ClientOptions) { o.Dialect.AddAtOnce = true })
	double.interfere(once("AddDocument", lost))
	d := w.staged([]byte("hello"))
	_, err := client.Add(t.Context(), d)
	mustCode(t, bridge.CodeStorageUnavailable, err)
	id, err := client.Add(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, double.has(), 2)
	_, got := readAll(t, client, id)
	require.Equal(t, "hello", string(got))
}

// A UCS whose answers cannot be read does not get a document with each retry, from whichever proxy.
func TestClient_UnclearAddsPause(t *testing.T) {
	t.Parallel()
	for name, atOnce := range map[string]bool{"empty": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pausing := func(o *ucs.ClientOptions) { o.UnclearPause, o.Dialect.AddAtOnce = time.Hour, atOnce }
			w, double, client := doubled(t, pausing)
			double.interfere(func(d *ucsDouble, out http.ResponseWriter, r *http.Request, method string) bool {
				text(200, "<html>welcome")(d, out, r, method)
				return true
			})
			d := w.staged(random(1000))
			another := w.client(func(o *ucs.ClientOptions) { o.URL = double.URL; pausing(o) })
			for range 10 {
				for _, c := range []store{client, another} {
					_, err := c.Add(t.Context(), d)
					mustCode(t, bridge.CodeStorageUnavailable, err)
					require.True(t, bridge.AsError(err).Retry)
				}
			}
			double.mu.Lock()
			defer double.mu.Unlock()
			require.Equal(t, 1, double.calls["AddDocument"])
		})
	}
}

// What cannot succeed is not tried again.
func TestClient_HopelessFaultsAreFinal(t *testing.T) {
	t.Parallel()
	for fault, code := range map[string]bridge.Code{
		"AttributeValueTooLong": bridge.CodeNameLength, "IncorrectParameterValue": bridge.CodeStorageUnavailable, "MissingParameter": bridge.CodeStorageUnavailable,
	} {
		w, double, client := doubled(t, nil)
		double.interfere(once("AddDocument", text(400, `{"FaultCode":"`+fault+`","FaultString":"x"}`)))
		_, err := client.Add(t.Context(), w.staged([]byte("hello")))
		mustCode(t, code, err)
		require.False(t, bridge.AsError(err).Retry)
		require.ErrorContains(t, err, fault)
	}
}

// A reading that fails hands out no byte, and the next one reads again.
func TestClient_ReadingSurvivesEveryFault(t *testing.T) {
	t.Parallel()
	const head = `{"MimeType":"text/plain","TheName":"a","TheSize":"5"`
	for name, c := range map[string]struct {
		fault func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string)
		code  bridge.Code
	}{
		"no answer":       {silent, bridge.CodeStorageUnavailable},
		"HTML":            {text(502, "<html>"), bridge.CodeStorageUnavailable},
		"a login page":    {text(200, "<html>"), bridge.CodeStorageUnavailable},
		"no content":      {text(200, head+`}`), bridge.CodeStorageUnavailable},
		"null":            {text(200, head+`,"Content":null}`), bridge.CodeStorageUnavailable},
		"a number":        {text(200, head+`,"Content":5}`), bridge.CodeStorageUnavailable},
		"cut base64":      {text(200, head+`,"Content":"aGVsb"}`), bridge.CodeStorageUnavailable},
		"cut JSON":        {text(200, head+`,"Content":"aGVsbG8="`), bridge.CodeStorageUnavailable},
		"cut in content":  {text(200, head+`,"Content":"aGVs`), bridge.CodeStorageUnavailable},
		"no base64":       {text(200, head+`,"Content":"aGVs*"}`), bridge.CodeStorageUnavailable},
		"less":            {text(200, head+`,"Content":"aGVs"}`), bridge.CodeDocumentChanged},
		"more":            {text(200, `{"Content":"aGVsbG8hISEh",`+head[1:]+`}`), bridge.CodeDocumentChanged},
		"overloaded":      {text(503, `{"FaultCode":45}`), bridge.CodeBusy},
		"gone":            {text(200, `{"FaultCode":"UnableToFindDocument"}`), bridge.CodeDocument},
		"a wrong address": {text(404, "404 page not found"), bridge.CodeStorageUnavailable},
		"a password":      {text(401, ""), bridge.CodeStorageUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, double, client := doubled(t, func(o *ucs.ClientOptions) {
				if name == "no answer" {
					o.Timeout = brief
				}
			})
			double.mu.Lock()
			double.documents["7"] = map[string]any{"MimeType": "text/plain", "TheName": "a", "TheSize": "5", "Content": "aGVsbG8="}
			double.mu.Unlock()
			in, err := client.Open(t.Context(), "7")
			require.NoError(t, err)
			defer in.Close()
			double.interfere(once("GetDocument", c.fault))
			n, err := in.Read(make([]byte, 5))
			require.Zero(t, n)
			mustCode(t, c.code, err)
			used, files := w.spool.Used()
			require.Zero(t, used)
			require.Zero(t, files)
			got, err := io.ReadAll(in)
			require.NoError(t, err)
			require.Equal(t, "hello", string(got))
		})
	}
}

// Members of a reply may come in any order, in any group, and base64 in any variant.
func TestClient_RepliesInEveryForm(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"content first":      `{"Content":"aGVsbG8=","TheSize":5,"TheName":"a","MimeType":"b"}`,
		"in Parameters":      `{"UserData":{},"Parameters":{"TheSize":5,"TheName":"a","MimeType":"b","Content":"aGVsbG8"}}`,
		"merged":             `{"UserData":{"Content":"aGVs\r\nbG8=\r\n","TheSize":"5"},"TheName":"a","MimeType":"b"}`,
		"with other members": `{"x":[{"Content":"eA=="}],"Content":"aGVsbG8=","TheSize":5,"Description":null,"TheName":"a","MimeType":"b","CreatedDate":"x"}`,
	} {
		body = strings.ReplaceAll(body, `\\`, `\`)
		_, double, client := doubled(t, nil)
		double.interfere(func(d *ucsDouble, w http.ResponseWriter, r *http.Request, method string) bool {
			text(200, body)(d, w, r, method)
			return true
		})
		d, got := readAll(t, client, "7")
		require.Equal(t, "hello", string(got), name)
		require.Equal(t, "a", d.Name)
		require.Equal(t, "b", d.MimeType)
	}
}

// A request that UCS never answers ends, and one that was not sent is clear.
func TestClient_TimeOutsAndDials(t *testing.T) {
	t.Parallel()
	w, double, client := doubled(t, func(o *ucs.ClientOptions) { o.Timeout = brief })
	double.interfere(func(_ *ucsDouble, _ http.ResponseWriter, r *http.Request, _ string) bool {
		io.Copy(io.Discard, r.Body) // or the server does not see that the client is gone
		<-r.Context().Done()
		return true
	})
	for name, do := range map[string]func() error{
		"open":   func() error { _, err := client.Open(t.Context(), "7"); return err },
		"remove": func() error { return client.Remove(t.Context(), "7") },
		"add":    func() error { _, err := client.Add(t.Context(), w.staged([]byte("x"))); return err },
	} {
		err := do()
		require.Error(t, err, name)
		mustCode(t, bridge.CodeStorageUnavailable, err)
	}
	double.Close()
	_, err := client.Add(t.Context(), w.staged([]byte("x")))
	mustCode(t, bridge.CodeStorageUnavailable, err)
	require.NotContains(t, err.Error(), "may have done")
}
