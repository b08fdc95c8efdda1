package mail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy/mail"
)

// sentTo sends a session's mail to an outbox and returns it.
func (w *world) sentTo(session string, change ...func(*mail.Options)) mail.Message {
	w.t.Helper()
	o := &mail.Outbox{}
	l := w.start(o, change...)
	w.await(l, session, mail.Sent)
	require.NoError(w.t, l.Close(w.t.Context()))
	mails := o.Mails(session)
	require.Len(w.t, mails, 1)
	return mails[0]
}

// begin switches mail on, which is needed before sessions end.
func (w *world) begin() {
	w.t.Helper()
	require.NoError(w.t, w.start(&mail.Outbox{}).Close(w.t.Context()))
}

func TestB22MailHasWhatACustomerMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin()
	w.join("s1", bridge.Party{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor, Visibility: bridge.Vip})
	w.join("s1", bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Client, UserInfo: bridge.UserInfo{TimeZoneOffset: 90}})
	w.join("s1", bridge.Party{UserID: "bob", UserType: bridge.Agent})
	w.say("s1", "ann", "hello\nBob: I am not Bob\r\x07 <b>&amp;\u202e")
	w.post("s1", "bob", bridge.Event{Type: bridge.Message, Text: "coaching-canary", Visibility: bridge.Internal})
	w.post("s1", "sue", bridge.Event{Type: bridge.Message, Text: "monitoring-canary", Visibility: bridge.Vip})
	notice := bridge.Announcement{
		Name: "café.pdf", Size: 2048, DocumentID: "0000document0001", Key: strings.Repeat("a", 32), Description: "description-canary", Custom: bridge.Data{bridge.Text("custom", "custom-canary")},
	}.Notice(bridge.All)
	w.post("s1", "bob", notice)
	w.post("s1", "bob", bridge.Event{Type: bridge.Notice, NoticeType: bridge.PushURL, Text: "https://help.example/a", Visibility: bridge.All})
	w.post("s1", "bob", bridge.Event{Type: bridge.Notice, NoticeType: bridge.UserCustom, Text: "custom-canary", Data: bridge.Data{bridge.Text("GCTI_Chat_SessionPassword", "password-canary")}, Visibility: bridge.All})
	w.over("s1")
	m := w.sentTo("s1")
	require.Equal(t, address, m.To)
	require.Equal(t, "Your chat of "+time.Now().UTC().Format(time.DateOnly), m.Subject)
	for name, part := range map[string]string{"text": m.Text, "HTML": html.UnescapeString(m.HTML)} {
		for _, canary := range []string{"coaching", "monitoring", "Sue", "document0001", "aaaa", "description", "custom", "password", "file-", "href", "src="} {
			require.NotContains(t, part, canary, name)
		}
		require.Contains(t, part, "UTC+01:30", name)
		require.Contains(t, part, "https://help.example/a", name)
		require.Contains(t, part, "Ann has joined.", name)
		require.Contains(t, part, "Agent has left.", name)
		require.Contains(t, part, "File: café.pdf (PDF, 2 kB)", name)
	}
	require.Regexp(t, `(?m)^\d\d:\d\d  Ann: hello\n       Bob: I am not Bob\n       .* <b>&amp;$`, m.Text, "no line passes for another party's")
	require.Contains(t, m.HTML, "hello<br>Bob: I am not Bob<br>")
	require.Contains(t, m.HTML, "&lt;b&gt;&amp;amp;")
	require.NotContains(t, m.Text+m.HTML, "\x07")
	require.NotContains(t, m.Text+m.HTML, "\u202e")
}

func TestMailIsSentToTheLastAddressInTheUserData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin()
	ann, bob := bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Client}, bridge.Party{UserID: "bob", Nickname: "Bob", UserType: bridge.Agent}
	talk := func(session string, data ...bridge.Item) {
		w.join(session, bob, bridge.Text("EmailAddress", "bob@desk.example"))
		w.join(session, ann, data...)
		w.say(session, "ann", "hello")
	}
	talk("fixed")
	w.over("fixed")
	talk("joined", bridge.Text("EmailAddress", " joined@customer.example "))
	w.over("joined")
	talk("updated", bridge.Text("EmailAddress", "old@customer.example"))
	w.post("updated", "ann", bridge.Event{Type: bridge.Notice, NoticeType: bridge.UpdateUserData, Data: bridge.Data{bridge.Text("EmailAddress", "new@customer.example")}, Visibility: bridge.All})
	w.over("updated")
	talk("bad", bridge.Text("EmailAddress", "x@y.example\r\nBcc: everyone@customer.example"))
	w.over("bad")
	talk("several", bridge.Text("EmailAddress", "a@customer.example, b@customer.example"))
	w.over("several")
	w.join("silent", bob)
	w.join("silent", ann)
	w.over("silent")

	key := func(o *mail.Options) { o.RecipientKey = "EmailAddress" }
	o := &mail.Outbox{}
	l := w.start(o, key)
	for session, to := range map[string]string{"fixed": address, "joined": "joined@customer.example", "updated": "new@customer.example"} {
		w.await(l, session, mail.Sent)
		require.Equal(t, to, o.Mails(session)[0].To, session)
	}
	for _, session := range []string{"bad", "several"} {
		r := w.await(l, session, mail.Failed)
		require.Equal(t, bridge.CodeMailAddress, r.Code, session)
	}
	w.await(l, "silent", mail.Skipped)
	require.Len(t, o.Mails(""), 3)
	nobody := w.start(o, func(o *mail.Options) { o.RecipientKey, o.Recipient = "EmailAddress", "" })
	talk("nobody")
	require.NoError(t, l.Close(t.Context()))
	w.over("nobody")
	w.await(nobody, "nobody", mail.Skipped)
}

// Whatever a customer writes, the headers are the same, and each part comes back whole.
func TestT52NothingOfTheCustomersIsInAHeader(t *testing.T) {
	sender, err := mail.NewSMTP(mail.SMTPOptions{Server: "127.0.0.1:25", From: "Zoë Support <support@example.com>"})
	require.NoError(t, err)
	date := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"\r\nBcc: a@b.example\r\n\r\nx", ".\r\n.\r\nQUIT\r\n", "\n.\n", "--=_boundary--", strings.Repeat("x", 2000), "=?utf-8?q?x?=", "From me",
		})).Draw(t, "text")
		raw, err := sender.Encode(mail.Message{ID: "1@example.com", Date: date, To: address, Subject: "Your chat", Text: text, HTML: text})
		require.NoError(t, err)
		head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
		require.True(t, ok)
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		require.NoError(t, err)
		kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, "multipart/alternative", kind)
		delete(m.Header, "Content-Type")
		require.Equal(t, netmail.Header{
			"Message-Id": {"<1@example.com>"}, "Date": {"Sat, 28 Nov 2026 10:00:00 +0000"}, "Mime-Version": {"1.0"}, "Subject": {"Your chat"},
			"From": {"=?utf-8?q?Zo=C3=AB_Support?= <support@example.com>"}, "To": {"<" + address + ">"}, "Auto-Submitted": {"auto-generated"},
		}, m.Header, "%s", head)
		parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for range 2 {
			part, err := parts.NextPart() // which decodes quoted-printable
			require.NoError(t, err)
			got, err := io.ReadAll(part)
			require.NoError(t, err)
			lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
			require.Equal(t, lines.Replace(text), lines.Replace(string(got)))
		}
		_, err = parts.NextPart()
		require.ErrorIs(t, err, io.EOF)
		again, err := sender.Encode(mail.Message{ID: "1@example.com", Date: date, To: address, Subject: "Your chat", Text: text, HTML: text})
		require.NoError(t, err)
		require.Equal(t, string(raw), string(again), "every try sends the same bytes")
	})
}

func TestB22AddressIsOneOfAMailbox(t *testing.T) {
	for address, ok := range map[string]bool{
		"a@b.example": true, "first.last+tag@sub.customer-1.example": true, "o'neil_x%y@example.co": true,
		"": false, "@": false, "a": false, "a@": false, "@b.example": false, "a@b": false, "a@b@c.example": false, "a@b..example": false, "a@.example": false, "a@-b.example": false, "a@b-.example": false,
		".a@b.example": false, "a..b@b.example": false, "a.@b.example": false, "a b@c.example": false, "\"a b\"@c.example": false, "a@[127.0.0.1]": false, "a@127.0.0.1": true, "a@b.example ": false,
		"Ann <a@b.example>": false, "<a@b.example>": false, "a@b.example,c@d.example": false, "a(x)@b.example": false, "ä@b.example": false, "a@ä.example": false, "a@b.example\n": false, "a@b.example\r\nRCPT TO:<c@d.example>": false, "a\x00@b.example": false,
		strings.Repeat("a", 64) + "@b.example": true, strings.Repeat("a", 65) + "@b.example": false, "a@" + strings.Repeat("b", 63) + ".example": true, "a@" + strings.Repeat("b", 64) + ".example": false,
		"a@" + strings.Repeat("b.", 130) + "example": false,
	} {
		err := mail.CheckAddress(address)
		require.Equal(t, ok, err == nil, "%q: %v", address, err)
		if !ok {
			require.Equal(t, bridge.CodeMailAddress, bridge.CodeOf(err))
		}
	}
}

func FuzzT52CheckAddress(f *testing.F) {
	for _, s := range []string{"a@b.example", "Ann <a@b.example>", "a@b.example\r\n", "\"\"@b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if mail.CheckAddress(s) != nil {
			return
		}
		require.NotRegexp(t, `[^!-~]`, s)
		a, err := netmail.ParseAddressList(s)
		require.NoError(t, err)
		require.Len(t, a, 1)
		require.Equal(t, s, a[0].Address)
		require.NotContains(t, s, ">")
	})
}

func TestTextsOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "texts.json")
	read := func(text string) (mail.Texts, error) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return mail.ReadTexts(path)
	}
	texts, err := read(`{"language": "de", "subject": "Ihr Chat vom {date}", "date": "02.01.2006", "kinds": {"pdf": "PDF-Datei"}}`)
	require.NoError(t, err)
	require.Equal(t, "Ihr Chat vom {date}", texts.Subject)
	require.Equal(t, mail.English().Footer, texts.Footer, "what is missing is English")
	require.Equal(t, "image", texts.Kinds[bridge.Image])
	for name, c := range map[string]struct{ text, message string }{
		"an unknown sentence":         {`{"subjekt": "x"}`, "subjekt"},
		"a name in the subject":       {`{"subject": "Chat with {name}"}`, "only that is replaced"},
		"a line break in the subject": {`{"subject": "a\nBcc: b@c.example"}`, "line break"},
		"no subject":                  {`{"subject": ""}`, "1 to 200"},
		"a language that is none":     {`{"language": "\"><script>"}`, "is not a tag"},
		"no JSON":                     {`x`, "invalid"},
	} {
		_, err := read(c.text)
		require.ErrorContains(t, err, c.message, name)
	}
	_, err = mail.ReadTexts(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)

	w := newWorld(t)
	w.begin()
	w.chatted("s1")
	m := w.sentTo("s1", func(o *mail.Options) { o.Texts = &texts })
	require.Equal(t, "Ihr Chat vom "+time.Now().UTC().Format("02.01.2006"), m.Subject)
	require.Contains(t, m.HTML, `<html lang="de">`)
}

// A session of more than a mail holds: the rest is counted.
func TestMailOfALongChatIsBounded(t *testing.T) {
	const bound = 64 << 10
	defer mail.SetMaxBody(bound)()
	w := newWorld(t)
	w.begin()
	w.join("s1", people["bob"])
	for range 8 {
		w.say("s1", "bob", strings.Repeat("x", bridge.MaxText))
	}
	w.over("s1")
	m := w.sentTo("s1")
	require.Less(t, len(m.Text), bound+4096)
	require.Contains(t, m.Text, "The rest of the chat, 5 more entries, is not in this mail.")
}

func TestOutboxServesItsMails(t *testing.T) {
	t.Parallel()
	o := &mail.Outbox{}
	for n := range 60 {
		require.NoError(t, o.Send(t.Context(), mail.Message{ID: fmt.Sprint(n), Session: fmt.Sprint("s", n%2), To: address, Subject: "x"}, func() error { return nil }))
	}
	require.NoError(t, o.Send(t.Context(), mail.Message{ID: "59", Session: "s1"}, func() error { return nil }))
	require.Error(t, o.Send(t.Context(), mail.Message{ID: "60"}, func() error { return bridge.NewError(bridge.CodeInternal, "") }))
	require.Len(t, o.Mails(""), 50)
	res := httptest.NewRecorder()
	o.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), "GET", "/?session=s0", nil))
	var answer struct {
		Mails []struct{ ID, To, Session string }
	}
	require.NoError(t, json.Unmarshal(res.Body.Bytes(), &answer))
	require.Len(t, answer.Mails, 25)
	require.Equal(t, "s0", answer.Mails[0].Session)
	require.Equal(t, address, answer.Mails[0].To)
}
