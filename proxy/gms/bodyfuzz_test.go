package gms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// field is a parameter, or a file with its name.
type field struct{ name, file, value string }

// fieldsOf reads a body by our readers.
func fieldsOf(kind string, body []byte) ([]field, error) {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	parts, err := openBody(r, time.Hour)
	if err != nil {
		return nil, err
	}
	var all []field
	for {
		p, err := parts.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		f := field{p.name, p.fileName, p.value}
		if p.file != nil {
			content, err := io.ReadAll(p.file)
			if err != nil {
				return all, err
			}
			f.value = string(content)
		}
		all = append(all, f)
	}
}

// isRefusal checks an error: it is one of ours, with a status of the client's and a sentence.
func isRefusal(t *testing.T, err error) {
	t.Helper()
	var r *refusal
	require.True(t, errors.As(err, &r), "%v", err)
	require.Contains(t, []int{400, 408, 413, 415}, r.HTTP)
	require.NotEmpty(t, r.message)
}

const asForm = "application/x-www-form-urlencoded"

// FuzzForm compares with net/url what that can read.
func FuzzForm(f *testing.F) {
	for _, s := range []string{
		"userId=u&secureKey=k%2B%2F%3D&message=a+b", "userData%5Bk%5D=v&userData[l]=%C3%A4", "a", "=", "&&a=b&", "a=b=c", "%zz=%", "a=1;b=2", "a=\x00&b=\xff", "+=+",
		strings.Repeat("a=b&", 1001),
	} {
		f.Add(s)
	}
	f.Fuzz(isForm)
}

func isForm(t *testing.T, text string) {
	l, err := readForm(text)
	if err != nil {
		isRefusal(t, err)
		return
	}
	got, size := url.Values{}, 0
	for _, p := range *l {
		got.Add(p.name, p.value)
		size += len(p.name) + len(p.value)
	}
	require.LessOrEqual(t, size, len(text))
	if want, err := url.ParseQuery(text); err == nil {
		require.Equal(t, want, got)
	}
}

// FuzzJSON compares with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"userId":"u","alias":117,"userData":{"k":"v","l":{"m":[1,true,null,"x"]}}}`, `{}`, `[]`, `{"a":1}{"b":2}`, `{"a":1,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":[1,]}`,
		`{"a":[1 2]}`, `{,}`, `{"a":1e999}`, `{"\ud800":"\udc00"}`, "{\"a\":\"\xff\"}", `{"a":` + strings.Repeat("[", 10), `{"a":{"b":1},"a[b]":2}`, `{"":{"userId":"u"}}`, ` {"a":-0.0} `,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(isJSON)
}

func isJSON(t *testing.T, body []byte) {
	got := func(text []byte) (all []string, err error) {
		err = readJSON(text, func(name, value string) error { all = append(all, name+"\x00"+value); return nil })
		slices.Sort(all)
		return all, err
	}
	_, err := got(body)
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var object map[string]any
	if !json.Valid(body) || d.Decode(&object) != nil || object == nil {
		require.Error(t, err, "it is no JSON object")
		return
	}
	text, marshalErr := json.Marshal(object) // each name once
	require.NoError(t, marshalErr)
	want, depth := flattened(object)
	if depth > maxJSONDepth {
		_, err := got(text)
		require.Error(t, err, "it is nested too deeply")
		return
	}
	all, err := got(text)
	require.NoError(t, err)
	require.Equal(t, want, all)
}

// flattened are the values of an object by the names that a form has for them, sorted, and how
// deeply it is nested.
func flattened(object map[string]any) (all []string, depth int) {
	var walk func(name string, v any, at int)
	walk = func(name string, v any, at int) {
		switch v := v.(type) {
		case map[string]any:
			depth = max(depth, at)
			for key, value := range v {
				if at > 1 {
					key = name + "[" + key + "]"
				}
				walk(key, value, at+1)
			}
		case []any:
			depth = max(depth, at)
			for _, value := range v {
				walk(name, value, at+1)
			}
		case nil:
		default:
			all = append(all, fmt.Sprint(name, "\x00", v))
		}
	}
	walk("", object, 1)
	slices.Sort(all)
	return all, depth
}

const boundary = "----WebKitFormBoundary7MA4"

// multipartSeeds are bodies of that boundary: right, and each wrong in one way.
func multipartSeeds() map[string]string {
	part := func(header, value string) string {
		return "--" + boundary + "\r\n" + header + "\r\n\r\n" + value + "\r\n"
	}
	const named = `Content-Disposition: form-data; name="message"`
	const file = `Content-Disposition: form-data; name="file"; filename="a.pdf"` + "\r\nContent-Type: application/pdf"
	const end = "--" + boundary + "--\r\n"
	return map[string]string{
		"a parameter and a file":  part(named, "hi") + part(file, "bytes") + end,
		"an empty file":           part(file, "") + end,
		"line ends in the file":   part(file, "\r\n\r\n--\r\n\n") + end,
		"a boundary's beginning":  part(file, "\r\n--"+boundary[:10]+"\r\n") + end,
		"a boundary without CRLF": part(file, "x--"+boundary+"--") + end,
		"no part":                 end,
		"an epilogue":             part(named, "hi") + end + "after",
		"no line end at the end":  part(named, "hi") + end[:len(end)-2],
		"no final boundary":       part(named, "hi"),
		"cut in a boundary":       part(named, "hi") + end[:10],
		"cut in a header":         part(named, "hi") + "--" + boundary + "\r\nContent-Disp",
		"a header that is none":   "--" + boundary + "\r\nhello\r\n\r\nv\r\n" + end,
		"no header":               "--" + boundary + "\r\n\r\nv\r\n" + end,
		"line feeds alone":        strings.ReplaceAll(part(named, "hi")+end, "\r\n", "\n"),
		"a name in UTF-8":         part(`Content-Disposition: form-data; name="file"; filename*=UTF-8''%C3%A4.pdf`, "x") + end,
		"a folded header":         part("Content-Disposition: form-data;\r\n name=\"a\"", "x") + end,
		"quoted-printable":        part(named+"\r\nContent-Transfer-Encoding: quoted-printable", "=41") + end,
		"a part without a name":   part("Content-Type: text/plain", "x") + end,
		"a boundary with a space": part(named, "hi") + "--" + boundary + "-- \r\n",
	}
}

// FuzzMultipart reads any bytes of a boundary. What an independent parser of the strict form can
// read has the same fields; what never ends is refused.
func FuzzMultipart(f *testing.F) {
	for _, body := range multipartSeeds() {
		f.Add([]byte(body))
	}
	f.Fuzz(isMultipart)
}

func isMultipart(t *testing.T, body []byte) {
	got, err := fieldsOf("multipart/form-data; boundary="+boundary, body)
	size := 0
	for _, g := range got {
		size += len(g.value)
	}
	require.LessOrEqual(t, size, len(body))
	if err != nil {
		isRefusal(t, err)
	}
	if bytes.HasPrefix(body, []byte("--"+boundary)) && !bytes.Contains(body, []byte("--"+boundary+"--")) {
		require.Error(t, err, "a body without a final boundary was taken for complete: %q", got)
	}
	want, ok := strict(string(body))
	if !ok {
		return
	}
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// strict reads a multipart body as RFC 2046 and RFC 7578 write it, with nothing that is optional;
// false if it is in another form.
func strict(body string) (all []field, ok bool) {
	rest, begins := strings.CutPrefix(body, "--"+boundary)
	if !begins {
		return nil, false
	}
	for rest != "--\r\n" {
		part, line := strings.CutPrefix(rest, "\r\n")
		header, content, whole := strings.Cut(part, "\r\n\r\n")
		value, after, ends := strings.Cut(content, "\r\n--"+boundary)
		if !line || !whole || !ends || len(all) == 100 || strings.HasPrefix(content, "--"+boundary) {
			return nil, false
		}
		f := field{value: value}
		for i, h := range strings.Split(header, "\r\n") {
			name, says, colon := strings.Cut(h, ": ")
			kind, parameters, err := mime.ParseMediaType(says)
			switch {
			case !colon || err != nil || strings.ContainsFunc(h, func(r rune) bool { return r < ' ' || r > '~' }):
				return nil, false
			case i == 0 && name == "Content-Disposition" && kind == "form-data" && parameters["name"] != "":
				f.name, f.file = parameters["name"], parameters["filename"]
				if strings.ContainsAny(f.file, `/\`) || f.file == "" && parameters["filename"] != f.file {
					return nil, false
				}
			case i == 1 && name == "Content-Type":
			default:
				return nil, false
			}
		}
		if f.name == "" {
			return nil, false
		}
		all, rest = append(all, f), after
	}
	return all, true
}

// FuzzMultipartWritten writes a form as clients do, and labels it as they do, rightly or not.
func FuzzMultipartWritten(f *testing.F) {
	f.Add("userId", "u", "message", "a b", "a.pdf", []byte("bytes"), uint8(0))
	f.Add("userData[k]", "ä\x00", "x", "\r\n--", "größe 1.pdf", []byte("\r\n--"+boundary+"x\r\n"), uint8(5))
	f.Add("a", "", "a", "", "-", []byte{}, uint8(3))
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2, fileName string, content []byte, form uint8) {
		want := []field{{name1, "", value1}, {name2, "", value2}, {fileField, fileName, string(content)}}
		if form&1 != 0 { // the file first
			want[0], want[2] = want[2], want[0]
		}
		var b bytes.Buffer
		for _, w := range want {
			for _, text := range []string{w.name, w.file} {
				if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == '/' || r == 0x7f || r == 0xfffd }) {
					return // each client writes it in another way
				}
			}
			if w.name == "" || w.name == fileField && w.file == "" || strings.Contains(w.value, "--"+boundary) || len(w.name)+len(w.value) > 4096 {
				return // no client writes it
			}
			b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + w.name + `"`)
			if w.file != "" {
				b.WriteString(`; filename="` + w.file + "\"\r\nContent-Type: application/octet-stream")
			}
			b.WriteString("\r\n\r\n" + w.value + "\r\n")
		}
		b.WriteString("--" + boundary + "--")
		if form&2 != 0 {
			b.WriteString("\r\n")
		}
		kind := []string{"multipart/form-data; boundary=" + boundary, "multipart/form-data", asForm, ""}[form>>2&3]
		got, err := fieldsOf(kind, b.Bytes())
		require.NoError(t, err, "%q", b.Bytes())
		require.Equal(t, want, got)
	})
}

// What never ends is read up to the bounds, and refused: nothing of it is kept.
func TestEndlessBodiesAreRefusedEarly(t *testing.T) {
	const head = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	for name, tc := range map[string]struct{ begin, again string }{
		"a form's value":            {"a=", "x"},
		"parameters":                {"", "a=b&"},
		"a JSON string":             {`{"a":"`, "x"},
		"JSON members":              {"{", `"a":1,`},
		"JSON lists":                {`{"a":`, "["},
		"spaces":                    {"", " "},
		"a preamble":                {"", "hello\r\n"},
		"a first line":              {"--", "B"},
		"header lines":              {head, "X-A: b\r\n"},
		"a header line":             {head + "X-A: ", "b"},
		"folded header lines":       {head + "X-A: b", "\r\n b"},
		"parts":                     {"", head + "\r\n\r\n"},
		"a part's value":            {head + "\r\n", "x"},
		"header lines after a file": {"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nv\r\n" + head, "X-A: b\r\n"},
		"boundaries":                {"", "--B\r\n"},
		"an epilogue":               {head + "\r\nv\r\n--B--\r\n", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"multipart/form-data; boundary=B", asForm, "application/json"} {
				body := &counted{Reader: io.MultiReader(strings.NewReader(tc.begin), &repeated{text: tc.again})}
				r := httptest.NewRequest(http.MethodPost, "/", body)
				r.Header.Set("Content-Type", kind)
				_, _, err := ReadCall(r)
				require.Less(t, body.n, 2*maxBody, kind)
				if err != nil {
					isRefusal(t, err)
				} else {
					require.Equal(t, "an epilogue", name, "it has no end")
				}
			}
		})
	}
}

// repeated is a text again and again.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// The oracle reads the seeds that are in the strict form, and no other.
func TestMultipartSeeds(t *testing.T) {
	right := []string{"a parameter and a file", "an empty file", "line ends in the file", "a boundary's beginning", "a boundary without CRLF", "no part", "a name in UTF-8"}
	for name, body := range multipartSeeds() {
		_, ok := strict(body)
		require.Equal(t, slices.Contains(right, name), ok, name)
	}
}
