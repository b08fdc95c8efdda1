package ucs_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/files"
	"attache/proxy/ucs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o ucs.Options) (*ucs.Documents, *files.Store) {
	t.Helper()
	s, err := files.Open(files.Options{Dir: filepath.Join(t.TempDir(), "documents")})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return ucs.NewDocuments(s, o), s
}

func ptr[T any](v T) *T { return &v }

func added(text string) ucs.AddDocument {
	return ucs.AddDocument{
		InteractionID: "s1", MimeType: ptr("text/plain"), TheName: ptr("a.txt"), Description: "d", TheSize: ptr(int64(len(text))), Content: strings.NewReader(text),
	}
}

func mustFault(t *testing.T, fault ucs.Fault, parameter string, err error) {
	t.Helper()
	var e *ucs.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, fault, e.Fault, "%v", err)
	require.Equal(t, parameter, e.Parameter)
	require.Contains(t, e.Error(), ucs.Faults[fault].Message)
}

func read(t *testing.T, d *ucs.Documents, id string) (string, proxy.Document) {
	t.Helper()
	doc, content, err := d.Get(t.Context(), id, false)
	require.NoError(t, err)
	defer content.Close()
	b, err := io.ReadAll(content)
	require.NoError(t, err)
	return string(b), doc
}

func TestDocuments_CreationLinkAndRemoval(t *testing.T) {
	t.Parallel()
	d, _ := open(t, ucs.Options{})
	id, err := d.Add(t.Context(), added("hello"))
	require.NoError(t, err)
	require.Len(t, id, 16)
	text, doc := read(t, d, id)
	require.Equal(t, "hello", text)
	require.Equal(t, "a.txt", doc.Name)
	without, content, err := d.Get(t.Context(), id, true)
	require.NoError(t, err)
	require.Nil(t, content)
	require.Equal(t, doc, without)
	linked, err := d.Add(t.Context(), ucs.AddDocument{DocumentID: id, InteractionID: "s2"})
	require.NoError(t, err)
	require.Equal(t, id, linked)
	require.NoError(t, d.Remove(t.Context(), id, "s1"))
	read(t, d, id)
	require.NoError(t, d.Remove(t.Context(), id, "s2"))
	mustFault(t, ucs.ObjectNotFound, "", d.Remove(t.Context(), id, ""))

	free := added("")
	free.InteractionID, free.Content = "", nil
	id, err = d.Add(t.Context(), free)
	require.NoError(t, err, "creation without an interaction is allowed")
	require.NoError(t, d.Remove(t.Context(), id, ""))
}

func TestDocuments_Update(t *testing.T) {
	t.Parallel()
	d, _ := open(t, ucs.Options{})
	id, err := d.Add(t.Context(), added("hello"))
	require.NoError(t, err)
	_, before := read(t, d, id)
	require.NoError(t, d.Update(t.Context(), ucs.UpdateDocument{DocumentID: id, TheName: ptr("b.txt")}))
	text, doc := read(t, d, id)
	require.Equal(t, "hello", text)
	require.Equal(t, []string{"b.txt", "text/plain", "d"}, []string{doc.Name, doc.MimeType, doc.Description})
	require.Equal(t, before.SHA256, doc.SHA256)
	require.NoError(t, d.Update(t.Context(), ucs.UpdateDocument{DocumentID: id, TheSize: ptr(int64(3)), Content: strings.NewReader("bye")}))
	text, doc = read(t, d, id)
	require.Equal(t, "bye", text)
	require.NotEqual(t, before.SHA256, doc.SHA256, "what was known of the old bytes does not hold")
	mustFault(t, ucs.IncorrectParameterValue, "TheSize", d.Update(t.Context(), ucs.UpdateDocument{DocumentID: id, TheSize: ptr(int64(4)), Content: strings.NewReader("bye")}))
	text, _ = read(t, d, id)
	require.Equal(t, "bye", text)
}

func TestDocuments_Faults(t *testing.T) {
	t.Parallel()
	d, s := open(t, ucs.Options{})
	known, err := d.Add(t.Context(), added("hello"))
	require.NoError(t, err)
	long := strings.Repeat("ü", 257)
	for name, tc := range map[string]struct {
		change    func(*ucs.AddDocument)
		fault     ucs.Fault
		parameter string
	}{
		"no type":           {func(r *ucs.AddDocument) { r.MimeType = nil }, ucs.MissingParameter, "MimeType"},
		"no name":           {func(r *ucs.AddDocument) { r.TheName = nil }, ucs.MissingParameter, "TheName"},
		"an empty name":     {func(r *ucs.AddDocument) { r.TheName = ptr("") }, ucs.MissingParameter, "TheName"},
		"no size":           {func(r *ucs.AddDocument) { r.TheSize = nil }, ucs.MissingParameter, "TheSize"},
		"a long name":       {func(r *ucs.AddDocument) { r.TheName = &long }, ucs.AttributeValueTooLong, "TheName"},
		"a long type":       {func(r *ucs.AddDocument) { r.MimeType = &long }, ucs.AttributeValueTooLong, "MimeType"},
		"a type of lines":   {func(r *ucs.AddDocument) { r.MimeType = ptr("text/plain\r\nX: y") }, ucs.IncorrectParameterValue, "MimeType"},
		"a NUL in the name": {func(r *ucs.AddDocument) { r.TheName = ptr("a\x00.txt") }, ucs.IncorrectParameterValue, "TheName"},
		"a negative size":   {func(r *ucs.AddDocument) { r.TheSize = ptr(int64(-1)) }, ucs.IncorrectParameterValue, "TheSize"},
		"33 bits":           {func(r *ucs.AddDocument) { r.TheSize = ptr(int64(1 << 31)) }, ucs.IncorrectParameterValue, "TheSize"},
		"a size too small":  {func(r *ucs.AddDocument) { r.TheSize = ptr(int64(4)) }, ucs.IncorrectParameterValue, "TheSize"},
		"a size too large":  {func(r *ucs.AddDocument) { r.TheSize = ptr(int64(6)) }, ucs.IncorrectParameterValue, "TheSize"},
		"no interaction id": {func(r *ucs.AddDocument) { r.InteractionID = "a/b" }, ucs.IncorrectParameterValue, "InteractionId"},
		"a long id":         {func(r *ucs.AddDocument) { r.DocumentID = strings.Repeat("1", 17) }, ucs.ParameterValueTooLong, "DocumentId"},
		"link to nothing":   {func(r *ucs.AddDocument) { *r = ucs.AddDocument{DocumentID: known} }, ucs.MissingParameter, "InteractionId"},
		"link with content": {func(r *ucs.AddDocument) { r.DocumentID = known }, ucs.TwoIncompatible, "DocumentId, Content"},
		"link of nothing":   {func(r *ucs.AddDocument) { *r = ucs.AddDocument{DocumentID: s.NewID(), InteractionID: "s1"} }, ucs.ObjectNotFound, ""},
	} {
		r := added("hello")
		tc.change(&r)
		_, err := d.Add(t.Context(), r)
		require.Error(t, err, name)
		mustFault(t, tc.fault, tc.parameter, err)
	}
	_, _, err = d.Get(t.Context(), "", false)
	mustFault(t, ucs.MissingParameter, "DocumentId", err)
	_, _, err = d.Get(t.Context(), s.NewID(), true)
	mustFault(t, ucs.ObjectNotFound, "", err)
	mustFault(t, ucs.MissingParameter, "DocumentId", d.Update(t.Context(), ucs.UpdateDocument{}))
	mustFault(t, ucs.AttributeValueTooLong, "TheName", d.Update(t.Context(), ucs.UpdateDocument{DocumentID: known, TheName: &long}))
	mustFault(t, ucs.ParameterValueTooLong, "DocumentId", d.Remove(t.Context(), strings.Repeat("1", 17), ""))
}

// Whether TheSize must be right is an option.
func TestDocuments_AnySize(t *testing.T) {
	t.Parallel()
	d, _ := open(t, ucs.Options{AnySize: true, MaxSize: 10})
	r := added("hello")
	r.TheSize = ptr(int64(9))
	id, err := d.Add(t.Context(), r)
	require.NoError(t, err)
	text, doc := read(t, d, id)
	require.Equal(t, "hello", text)
	require.EqualValues(t, 5, doc.Size)
	r = added("eleven byte")
	r.TheSize = ptr(int64(1))
	_, err = d.Add(t.Context(), r)
	mustFault(t, ucs.IncorrectParameterValue, "TheSize", err)
}

func TestErrorOf_EveryFaultIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	require.Nil(t, ucs.ErrorOf(nil))
	for _, rule := range bridge.Rules {
		e := ucs.ErrorOf(bridge.NewError(rule.Code, ""))
		require.NotEmpty(t, ucs.Faults[e.Fault].Message, rule.Code)
	}
	require.Equal(t, ucs.TimeoutError, ucs.ErrorOf(context.DeadlineExceeded).Fault)
	require.Equal(t, ucs.UnexpectedError, ucs.ErrorOf(errors.New("x")).Fault)
	require.True(t, ucs.Faults[ucs.ErrorOf(bridge.NewError(bridge.CodeBusy, "")).Fault].Retry)
}
