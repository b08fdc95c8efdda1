package ucs_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/files"
	"attache/proxy/ucs"
)

const secret = "a secret of at least thirty-two bytes"

// served is UCS's interface over a store of files.
type served struct {
	t     *testing.T
	store *files.Store
	*httptest.Server
}

func serve(t *testing.T, d ucs.Dialect) *served {
	t.Helper()
	documents, store := open(t, ucs.Options{AnySize: d.AnySize})
	h, err := ucs.NewHandler(ucs.HandlerOptions{Documents: documents, Secret: []byte(secret), Base: "/contact/", Dialect: d})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &served{t, store, server}
}

// call sends one request as another program would write it.
func (s *served) call(verb, method string, query url.Values, body string) (status int, reply map[string]any) {
	s.t.Helper()
	address := s.URL + "/contact/ucs/v1/" + method
	if query != nil {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(s.t.Context(), verb, address, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(text, &reply), "%s", text)
	return res.StatusCode, reply
}

func (s *served) fault(want ucs.Fault, status int, verb, method string, query url.Values, body string) map[string]any {
	s.t.Helper()
	got, reply := s.call(verb, method, query, body)
	require.EqualValues(s.t, want, reply["FaultCode"], "%v", reply)
	require.Equal(s.t, status, got)
	require.Equal(s.t, ucs.Faults[want].Message, reply["FaultString"])
	return reply
}

func id(values ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(values); i += 2 {
		v.Set(values[i], values[i+1])
	}
	return v
}

// envelope is a request's body with members in the order given.
func envelope(members ...string) string {
	return `{"UserData":{"a":[1,{"b":null}]},"Parameters":{` + strings.Join(members, ",") + `}}`
}

func TestHandler_ADocumentsLife(t *testing.T) {
	t.Parallel()
	s := serve(t, ucs.Dialect{})
	status, reply := s.call("POST", "OMInteractions/AddDocument", nil,
		envelope(`"MimeType":"text/plain"`, `"TheName":"ü.txt"`, `"TheSize":5`, `"Content":"aGVsbG8="`, `"Description":"d"`, `"InteractionId":"s1"`))
	require.Equal(t, http.StatusOK, status, reply)
	document := reply["DocumentId"].(string)
	require.Len(t, document, 16)

	want := map[string]any{"DocumentId": document, "MimeType": "text/plain", "TheName": "ü.txt", "Description": "d", "TheSize": 5.0}
	_, reply = s.call("GET", "OMInteractions/GetDocument", id("DocumentId", document, "IncludeBinaryContent", "false"), "")
	require.Equal(t, want, reply)
	want["Content"] = "aGVsbG8="
	for _, query := range []url.Values{id("DocumentId", document), id("DocumentId", document, "IncludeBinaryContent", "true", "DataSource", "Main")} {
		for _, method := range []string{"OMInteractions/GetDocument", "OMInteractions/GetAttachment", "OMResponse/GetDocument2"} {
			_, reply = s.call("GET", method, query, "")
			require.Equal(t, want, reply)
		}
	}

	status, reply = s.call("PUT", "OMInteractions/UpdateDocument", nil, envelope(`"DocumentId":"`+document+`"`, `"TheName":"b.txt"`, `"TheSize":"3"`, `"Content":"Ynll"`))
	require.Equal(t, http.StatusOK, status, reply)
	_, reply = s.call("GET", "OMInteractions/GetDocument", id("DocumentId", document), "")
	require.Equal(t, map[string]any{"DocumentId": document, "MimeType": "text/plain", "TheName": "b.txt", "Description": "d", "TheSize": 3.0, "Content": "Ynll"}, reply)

	_, reply = s.call("POST", "OMInteractions/AddDocument/", nil, envelope(`"DocumentId":"`+document+`"`, `"InteractionId":"s2"`))
	require.Equal(t, document, reply["DocumentId"])
	_, reply = s.call("DELETE", "OMInteractions/RemoveDocument", id("DocumentId", document, "InteractionId", "s1"), "")
	require.Empty(t, reply)
	s.call("DELETE", "OMInteractions/RemoveDocument", id("DocumentId", document, "InteractionId", "s2"), "")
	s.fault(ucs.ObjectNotFound, 404, "GET", "OMInteractions/GetDocument", id("DocumentId", document), "")
}

// Content may come before everything that says what it is for, in any variant of base64.
func TestHandler_MembersInAnyOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, ucs.Dialect{})
	content := make([]byte, 100_003)
	rand.Read(content)
	lines := base64.StdEncoding.EncodeToString(content)
	var broken strings.Builder
	for ; len(lines) > 76; lines = lines[76:] {
		broken.WriteString(lines[:76] + `\r\n`)
	}
	for name, text := range map[string]string{
		"std": base64.StdEncoding.EncodeToString(content), "url": base64.URLEncoding.EncodeToString(content),
		"raw": base64.RawStdEncoding.EncodeToString(content), "raw-url": base64.RawURLEncoding.EncodeToString(content),
		"lines": broken.String() + lines + `\n`, "escaped": strings.ReplaceAll(base64.StdEncoding.EncodeToString(content), "/", `\/`),
		"unicode": strings.ReplaceAll(base64.StdEncoding.EncodeToString(content), "A", `\u0041`),
	} {
		members := []string{`"Content":"` + text + `"`, `"TheSize":"100003"`, `"TheName":"a"`, `"MimeType":"b"`, `"Description":null`}
		_, reply := s.call("POST", "OMInteractions/AddDocument", nil, envelope(members...))
		require.NotEmpty(t, reply["DocumentId"], "%s: %v", name, reply)
		document := reply["DocumentId"].(string)
		_, reply = s.call("GET", "OMInteractions/GetDocument", id("DocumentId", document), "")
		require.Equal(t, base64.StdEncoding.EncodeToString(content), reply["Content"], name)

		other := content[:50_000]
		members = []string{`"Content":"` + base64.StdEncoding.EncodeToString(other) + `"`, `"DocumentId":"` + document + `"`}
		status, reply := s.call("PUT", "OMInteractions/UpdateDocument", nil, envelope(members...))
		require.Equal(t, 200, status, reply)
		_, reply = s.call("GET", "OMInteractions/GetDocument", id("DocumentId", document), "")
		require.Equal(t, base64.StdEncoding.EncodeToString(other), reply["Content"], name)
	}
}

func TestHandler_Faults(t *testing.T) {
	t.Parallel()
	s := serve(t, ucs.Dialect{})
	const add, update, get, remove = "OMInteractions/AddDocument", "OMInteractions/UpdateDocument", "OMInteractions/GetDocument", "OMInteractions/RemoveDocument"
	name, kind, size := `"TheName":"a"`, `"MimeType":"b"`, `"TheSize":5`
	unknown := s.store.NewID()
	for what, c := range map[string]struct {
		fault        ucs.Fault
		status       int
		verb, method string
		query        url.Values
		body         string
		text         string // of the description
	}{
		"no body":                          {ucs.IncorrectParameterType, 400, "POST", add, nil, "", ""},
		"no JSON":                          {ucs.IncorrectParameterType, 400, "POST", add, nil, "MimeType=a", ""},
		"an array":                         {ucs.IncorrectParameterType, 400, "POST", add, nil, "[]", ""},
		"more after the end":               {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(name) + "x", ""},
		"no parameters":                    {ucs.MissingParameter, 400, "POST", add, nil, `{"TheName":"a","MimeType":"b","TheSize":0}`, "MimeType"},
		"a member twice":                   {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(name, kind, name), ""},
		"a size of text":                   {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"TheSize":"five"`), "TheSize"},
		"a broken size":                    {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"TheSize":5.5`), "TheSize"},
		"a size that is true":              {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(name, kind, `"TheSize":true`), "TheSize"},
		"a name that is 5":                 {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(`"TheName":5`, kind, size), "TheName"},
		"content that is 5":                {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(name, kind, size, `"Content":5`), "Content"},
		"content without size":             {ucs.MissingParameter, 400, "POST", add, nil, envelope(name, kind, `"Content":"aGVsbG8="`), "TheSize"},
		"too little content":               {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, size, `"Content":"aGVs"`), "TheSize"},
		"too much content":                 {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, size, `"Content":"aGVsbG8hIQ=="`), "TheSize"},
		"too little, size last":            {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(`"Content":"aGVs"`, name, kind, size), "TheSize"},
		"no base64":                        {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"Content":"aGV*"`, size), "Content"},
		"cut base64":                       {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"Content":"aGVsb"`, size), "Content"},
		"more after padding":               {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"Content":"aGVsbG8=aGVs"`, size), "Content"},
		"too much padding":                 {ucs.IncorrectParameterValue, 400, "POST", add, nil, envelope(name, kind, `"Content":"aGVsbG8=="`, size), "Content"},
		"a body that is cut":               {ucs.IncorrectParameterType, 400, "POST", add, nil, `{"Parameters":{"Content":"aGVs`, ""},
		"a huge description":               {ucs.IncorrectParameterType, 400, "POST", add, nil, envelope(`"Description":"` + strings.Repeat("x", 300<<10) + `"`), ""},
		"endless user data":                {ucs.IncorrectParameterType, 400, "POST", add, nil, `{"UserData":{"a":` + strings.Repeat(`[`, 100), ""},
		"link with content":                {ucs.TwoIncompatible, 400, "POST", add, nil, envelope(`"DocumentId":"`+unknown+`"`, `"InteractionId":"s"`, `"Content":""`), "DocumentId, Content"},
		"update of nothing":                {ucs.ObjectNotFound, 404, "PUT", update, nil, envelope(`"DocumentId":"`+unknown+`"`, `"Content":"aGVs"`), ""},
		"update of nothing, content first": {ucs.ObjectNotFound, 404, "PUT", update, nil, envelope(`"Content":"aGVs"`, `"DocumentId":"`+unknown+`"`), ""},
		"a document id of 17":              {ucs.ParameterValueTooLong, 400, "PUT", update, nil, envelope(`"DocumentId":"12345678901234567"`, `"Content":"aGVs"`), "DocumentId"},
		"get without id":                   {ucs.MissingParameter, 400, "GET", get, nil, "", "DocumentId"},
		"an archive":                       {ucs.ObjectNotFound, 404, "GET", get, id("DocumentId", unknown, "DataSource", "Archive"), "", "DataSource"},
		"another source":                   {ucs.IncorrectParameterValue, 400, "GET", get, id("DocumentId", unknown, "DataSource", "x"), "", "DataSource"},
		"a flag that is none":              {ucs.IncorrectParameterType, 400, "GET", get, id("IncludeBinaryContent", "perhaps"), "", "IncludeBinaryContent"},
		"remove nothing":                   {ucs.ObjectNotFound, 404, "DELETE", remove, id("DocumentId", unknown), "", ""},
		"another service":                  {ucs.InvalidServiceName, 404, "GET", "OMContacts/GetContact", nil, "", ""},
		"another method":                   {ucs.InvalidMethodName, 404, "GET", "OMInteractions/GetDocuments", nil, "", ""},
		"another verb":                     {ucs.MethodNotAllowed, 405, "GET", add, nil, "", ""},
		"what our library does not have":   {ucs.MethodNotAllowed, 405, "POST", "OMResponse/AddDocument2", nil, "{}", ""},
	} {
		reply := s.fault(c.fault, c.status, c.verb, c.method, c.query, c.body)
		if c.text != "" {
			require.Equal(t, c.text, reply["ErrorDescription"], what)
		}
	}
	require.Zero(t, s.store.Bytes(), "nothing is left behind")
}

// What is not known of UCS can be chosen.
func TestHandler_Dialects(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("\xfb\xff\xfe1"), 100)[:399]
	for _, setting := range []string{"base64=url", "base64=raw", "base64=raw-url", "base64=lines", "size=string", "content-first=true", "reply=parameters", "without-flag-no-content=true", "fault=nested", "fault-status=ok", "any-size=true"} {
		var d ucs.Dialect
		require.NoError(t, d.SetNamed(setting))
		s := serve(t, d)
		_, reply := s.call("POST", "OMInteractions/AddDocument", nil,
			envelope(`"MimeType":"b"`, `"TheName":"a"`, fmt.Sprintf(`"TheSize":%d`, len(content)), `"Content":"`+base64.StdEncoding.EncodeToString(content)+`"`))
		if setting == "reply=parameters" {
			require.Contains(t, reply, "UserData")
			reply = reply["Parameters"].(map[string]any)
		}
		query := id("DocumentId", reply["DocumentId"].(string))
		_, reply = s.call("GET", "OMInteractions/GetDocument", query, "")
		switch setting {
		case "base64=url":
			require.Equal(t, base64.URLEncoding.EncodeToString(content), reply["Content"])
		case "base64=raw":
			require.Equal(t, base64.RawStdEncoding.EncodeToString(content), reply["Content"])
		case "base64=raw-url":
			require.Equal(t, base64.RawURLEncoding.EncodeToString(content), reply["Content"])
		case "base64=lines":
			lines := strings.Split(reply["Content"].(string), "\r\n")
			require.Len(t, lines, 7)
			require.Len(t, lines[5], 76)
		case "size=string":
			require.Equal(t, "399", reply["TheSize"])
		case "without-flag-no-content=true":
			require.NotContains(t, reply, "Content")
			_, reply = s.call("GET", "OMInteractions/GetDocument", id("DocumentId", query.Get("DocumentId"), "IncludeBinaryContent", "1"), "")
			require.Contains(t, reply, "Content")
		}
		status, reply := s.call("GET", "OMInteractions/GetDocument", id("DocumentId", s.store.NewID()), "")
		switch setting {
		case "fault=nested":
			require.Equal(t, "ObjectNotFound", reply["Fault"].(map[string]any)["FaultCode"])
		case "fault-status=ok":
			require.Equal(t, http.StatusOK, status)
		}
		status, reply = s.call("POST", "OMInteractions/AddDocument", nil, envelope(`"MimeType":"b"`, `"TheName":"a"`, `"TheSize":7`, `"Content":"aGVsbG8="`))
		require.Equal(t, setting == "any-size=true", reply["DocumentId"] != nil, "%d %v", status, reply)
	}
	var d ucs.Dialect
	require.ErrorContains(t, d.SetNamed("base64"), "NAME=VALUE")
	require.ErrorContains(t, d.SetNamed("base64=hex"), "std, url")
	require.ErrorContains(t, d.SetNamed("base46=std"), "not an option")
}

func TestHandler_NeedsItsSecret(t *testing.T) {
	t.Parallel()
	_, err := ucs.NewHandler(ucs.HandlerOptions{})
	require.ErrorContains(t, err, "needs a secret or client certificates")
	s := serve(t, ucs.Dialect{})
	for name, c := range map[string]struct {
		set    func(*http.Request)
		status int
	}{
		"nothing":         {func(*http.Request) {}, 401},
		"another":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		"a part":          {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret[1:]) }, 401},
		"a password":      {func(r *http.Request) { r.SetBasicAuth("anybody", secret) }, 400},
		"a wrong one":     {func(r *http.Request) { r.SetBasicAuth(secret, "x") }, 401},
		"a bearer secret": {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }, 400},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/contact/ucs/v1/OMInteractions/GetDocument", nil)
		require.NoError(t, err)
		c.set(req)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		var fault struct{ FaultCode, FaultString string }
		require.NoError(t, json.NewDecoder(res.Body).Decode(&fault), name)
		res.Body.Close()
		require.Equal(t, c.status, res.StatusCode, name)
		require.NotEmpty(t, fault.FaultCode, name)
		if c.status == 401 {
			require.Contains(t, fault.FaultString, "secret")
		}
	}
	certified, err := ucs.NewHandler(ucs.HandlerOptions{ClientCertificates: true})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	certified.ServeHTTP(w, httptest.NewRequest("GET", "/ucs/v1/OMInteractions/GetDocument", nil))
	require.Equal(t, 401, w.Code, "without TLS there is no certificate")
}
