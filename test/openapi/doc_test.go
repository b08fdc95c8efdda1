// Package openapi checks docs/gms-openapi.yaml against the running server.
package openapi

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
)

func TestDescriptionIsValid(t *testing.T) {
	w := start(t)
	ok, errs := w.check.ValidateDocument()
	require.True(t, ok, "%v", errs)
	require.Equal(t, "3.1.0", w.doc.GetVersion())
}

// A reply that is not as described is found.
func TestValidatorFindsAWrongReply(t *testing.T) {
	w := start(t)
	r := httptest.NewRequest(http.MethodPost, "/genesys/2/chat/support", strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	for _, body := range []string{`{"statusCode":3,"chatEnded":false,"messages":[]}`, `{"statusCode":0,"chatEnded":false}`, `{"statusCode":0,"chatEnded":false,"messages":[],"more":1}`} {
		answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
		ok, _ := w.check.ValidateHttpResponse(r, answer)
		require.False(t, ok, body)
	}
}

// A request that is not as described is found.
func TestValidatorFindsAWrongRequest(t *testing.T) {
	w := start(t)
	for _, r := range []request{
		inJSON("/genesys/2/chat/support/x/send", map[string]any{"userId": "u", "secureKey": "k"}),
		inJSON("/genesys/2/chat/support/x/file/limits", map[string]any{"userId": "u"}),
		inJSON("/genesys/2/chat-ntf", map[string]any{"secureKey": "k", "operation": "fly"}),
	} {
		ok, _ := w.check.ValidateHttpRequest(r.to(t, ""))
		require.False(t, ok, "%s %s", r.path, r.body)
	}
}

const service = "/genesys/2/chat/support"

// Every operation succeeds, and has each error that the description names, as described.
func TestServerIsAsDescribed(t *testing.T) {
	w := start(t)
	s := w.serve(gms.Options{})
	begun := s.ok(inJSON(service, map[string]any{"nickname": "Ann", "subject": "bills", "userData": map[string]any{"TimeZone": -480}}))
	w.alice(begun.ChatID)
	chat := service + "/" + begun.ChatID + "/"
	with := func(fields map[string]any) map[string]any {
		all := map[string]any{"userId": begun.UserID, "secureKey": begun.SecureKey, "alias": "1"}
		for name, value := range fields {
			all[name] = value
		}
		return all
	}
	upload := inMultipart(chat+"file", with(map[string]any{"userData[file-description]": "my bill"}), "a.pdf")
	file := s.ok(upload).UserData["file-id"]
	require.NotEmpty(t, file)
	ntf := with(map[string]any{"operation": "fileGetLimits", "chatId": begun.ChatID})

	// In this order, because the last ones leave nothing.
	operations := []struct {
		id string
		request
	}{
		{"requestChat", inMultipart(service, map[string]any{"firstName": "Ann", "lastName": "Lee", "emailAddress": "ann@example.com"}, "")},
		{"send", inJSON(chat+"send", with(map[string]any{"message": "hello", "messageType": "text", "transcriptPosition": 1}))},
		{"startTyping", inJSON(chat+"startTyping", with(map[string]any{"message": "h"}))},
		{"stopTyping", inForm(chat+"stopTyping", with(nil))},
		{"pushUrl", inForm(chat+"pushUrl", with(map[string]any{"pushUrl": "https://example.com/"}))},
		{"updateNickname", inJSON(chat+"updateNickname", with(map[string]any{"nickname": "Anne"}))},
		{"updateData", inJSON(chat+"updateData", with(map[string]any{"userData": map[string]any{"k": "v"}}))},
		{"customNotice", inJSON(chat+"customNotice", with(map[string]any{"message": "x", "userData": map[string]any{"k": 1}}))},
		{"readReceipt", inForm(chat+"readReceipt", with(map[string]any{"transcriptPosition": "2"}))},
		{"fileLimits", inForm(chat+"file/limits", with(nil))},
		{"uploadFile", inMultipart(chat+"file", with(nil), "b.pdf")},
		{"downloadFile", inForm(chat+"file/"+file+"/download", with(nil))},
		{"fileOperation", inForm("/genesys/2/chat-ntf", ntf)},
		{"deleteFile", inForm(chat+"file/"+file+"/delete", with(nil))},
		{"refresh", inJSON(chat+"refresh", with(map[string]any{"transcriptPosition": "1"}))},
		{"disconnect", inForm(chat+"disconnect", with(nil))},
	}

	described := w.described()
	seen := map[string]map[string]bool{}
	expect := func(s *server, id string, status int, r request) {
		t.Helper()
		reply, got := s.do(r)
		require.Equal(t, status, got, "%s: %v", id, reply.Errors)
		require.NotEqual(t, gms.StatusOK, reply.StatusCode)
		require.NotEmpty(t, reply.Errors[0].Advice)
		switch status {
		case 401, 403: // no request of this client is accepted
		default:
			require.Equal(t, gms.StatusRetry, reply.StatusCode, "%s, %d: the chat goes on", id, status)
		}
		seen[id][strconv.Itoa(status)] = true
	}

	// Errors that many requests make, or other options.
	keyed := w.serve(gms.Options{Admission: gms.AdmitAPIKey, APIKeys: []string{"an API key of an application"}})
	impatient := w.serve(gms.Options{BodyTime: 1})
	worn := w.serve(gms.Options{ChatsPerMinute: 1})
	guess := inForm(chat+"refresh", with(map[string]any{"secureKey": "guessed"}))
	for status := 0; status != http.StatusTooManyRequests; {
		_, status = worn.do(guess)
	}
	worn.ok(inForm(service, map[string]any{"nickname": "A"}))

	for _, op := range operations {
		r := op.request
		seen[op.id] = map[string]bool{"200": true}
		wrong := maps.Clone(r.fields)
		wrong["secureKey"] = "wrong"
		foreign, unknown := inJSON(r.path, wrong), r.at(strings.Replace(r.path, "/support", "/sales", 1), nil)
		switch op.id {
		case "requestChat":
			expect(keyed, op.id, 401, r)
			expect(worn, op.id, 429, r)
		case "uploadFile":
			foreign = inMultipart(r.path, wrong, "c.pdf")
		case "fileOperation":
			delete(wrong, "chatId")
			foreign = inJSON(r.path, wrong)
			unknown = inForm(r.path, with(map[string]any{"operation": "fileDownload", "chatId": begun.ChatID, "fileId": "unknown"}))
		}
		if op.id != "requestChat" {
			expect(s, op.id, 401, foreign)
			expect(worn, op.id, 429, foreign)
		}
		expect(s, op.id, 400, r.at(r.path, []byte(`{"`)).with("Content-Type", "application/json"))
		expect(s, op.id, 403, r.with("Origin", "https://evil.example"))
		expect(s, op.id, 404, unknown)
		expect(s, op.id, 405, request{"GET", r.path, http.Header{}, nil, nil})
		expect(impatient, op.id, 408, r)
		expect(s, op.id, 413, r.at(r.path, []byte(strings.Repeat(" ", 200<<10)+"{}")).with("Content-Type", "application/json"))
		expect(s, op.id, 415, r.with("Content-Encoding", "br"))
		w.chat.fail(errors.New("a bug"))
		expect(s, op.id, 500, r)
		w.chat.fail(bridge.NewError(bridge.CodeChatUnavailable, ""))
		expect(s, op.id, 503, r)
		w.chat.mend()

		s.ok(r)
		require.Len(t, seen[op.id], len(described[op.id]), "%s: %v is described, and %v was seen", op.id, described[op.id], seen[op.id])
		for _, status := range described[op.id] {
			require.True(t, seen[op.id][status], "%s: %s was not seen", op.id, status)
		}
		delete(described, op.id)
	}
	require.Empty(t, described, "operations that were not requested")
}

// Refusals of logic have the status 200, and are as described.
func TestRefusalsAreAsDescribed(t *testing.T) {
	w := start(t)
	s := w.serve(gms.Options{})
	begun := s.ok(inForm(service, map[string]any{"nickname": "Ann"}))
	own := map[string]any{"userId": begun.UserID, "secureKey": begun.SecureKey}
	chat := service + "/" + begun.ChatID + "/"
	file := s.ok(inMultipart(chat+"file", own, "a.pdf")).UserData["file-id"]
	for name, tc := range map[string]struct {
		request
		code int
	}{
		"no name":              {inForm(service, map[string]any{}), gms.NoName},
		"a bad address":        {inForm(service, map[string]any{"nickname": "A", "emailAddress": "b"}), gms.BadEmailAddress},
		"an empty message":     {inForm(chat+"send", own), gms.CannotExecute},
		"an unknown file":      {inForm(chat+"file/unknown/delete", own), 404},
		"an unknown operation": {inForm("/genesys/2/chat-ntf", map[string]any{"operation": "fly"}), gms.CannotExecute},
	} {
		t.Run(name, func(t *testing.T) {
			reply, status := s.do(tc.request)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, tc.code, reply.Errors[0].Code)
		})
	}
	for range 2 {
		s.ok(inForm(chat+"file/"+file+"/download", own))
	}
	reply, status := s.do(inForm(chat+"file/"+file+"/download", own))
	require.Equal(t, http.StatusForbidden, status, "the attempts are used up")
	require.Equal(t, gms.CannotExecute, reply.Errors[0].Code)
	s.ok(inForm(chat+"disconnect", own))
	reply, status = s.do(inForm(chat+"refresh", own))
	require.Equal(t, []any{200, gms.StatusFailed, true}, []any{status, reply.StatusCode, reply.ChatEnded})
}

// The operations on files beside CometD, with the key that CometD gave, as its clients send them.
func TestFileOperationsAreAsDescribed(t *testing.T) {
	w := start(t)
	s := w.serve(gms.Options{UploadWait: time.Minute})
	begun := s.ok(inForm(service, map[string]any{"nickname": "Ann"}))
	own := func(operation, file string) map[string]any {
		all := map[string]any{"secureKey": begun.SecureKey, "userId": begun.UserID, "chatId": begun.ChatID}
		for name, value := range map[string]string{"operation": operation, "fileId": file} {
			if value != "" {
				all[name] = value
			}
		}
		return all
	}
	const path = gms.PathCometDFiles
	file := s.ok(inMultipart(path, own("", ""), "a.pdf")).UserData["file-id"]
	s.ok(inMultipart(path, own("fileUpload", ""), "b.pdf"))
	s.ok(inMultipart(path, own("fileGetsLimits", ""), ""))
	s.ok(inForm(path, own("fileDownload", file)))
	s.ok(inForm(path, own("fileDelete", file)))
	_, status := s.do(s.legal(inForm(path, own("fileDownload", file))))
	require.Equal(t, http.StatusNotFound, status)
	_, status = s.do(inMultipart(path, own("fileUpload", ""), ""))
	require.Equal(t, http.StatusBadRequest, status)
}
