package transcript_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy/proxytest"
	"attache/proxy/transcript"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

const started = 1732788000_000

var head = transcript.Header{Session: "0001AaBC", Started: started}

// anyText has everything that text may have, also what XML cannot carry.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching("[ -~]{0,40}"),
		rapid.SampledFrom([]string{"", " ", "\r\n", "a\tb\nc", "]]>", "<&>\"'", "\x00\x1b\x7f\u0085", "\uFFFE\uFFFF", "\xff\xfe", "&amp;", "<!-- -->", "\ufeff", "e\u0301\u202e\U0001F600"}),
	)
}

// clean is the text as XML can carry it.
func clean(s string) string { return bridge.XMLText(s) }

func anyData(depth int) *rapid.Generator[bridge.Data] {
	return rapid.Custom(func(t *rapid.T) (d bridge.Data) {
		for range rapid.IntRange(0, 4).Draw(t, "items") {
			key := rapid.SampledFrom([]string{"TimeZone", "a key", "x<y", "GCTI_SYSTEM", "file-name"}).Draw(t, "key")
			switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
			case kind == 0 && depth > 0:
				d = append(d, bridge.List(key, anyData(depth-1).Draw(t, "list")))
			case kind == 1:
				d = append(d, bridge.Int(key, rapid.Int64().Draw(t, "number")))
			case kind == 2:
				d = append(d, bridge.Binary(key, rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes")))
			default:
				d = append(d, bridge.Text(key, anyText().Draw(t, "value")))
			}
		}
		return d
	})
}

var (
	people = []bridge.Party{
		{UserID: "ann", Nickname: "Ann <&\x01>", UserType: bridge.Client, ClientVersion: 101},
		{UserID: "bob", Nickname: "", UserType: bridge.Agent, ClientVersion: 106},
		{UserID: "bot", Nickname: "Robin", UserType: bridge.Supervisor, Style: bridge.StyleBot},
		{UserID: "x\"y", Nickname: "z", UserType: bridge.System, ClientVersion: 104},
	}
	visibilities = []bridge.Visibility{bridge.All, bridge.Internal, bridge.Vip}
	// kinds are all but transient ones, which have no id.
	kinds = []bridge.EventType{bridge.NewParty, bridge.PartyLeft, bridge.Message, bridge.Notice, transcript.Reenter}
)

func anyEntry(p bridge.Party, id, at int64) *rapid.Generator[transcript.Entry] {
	return rapid.Custom(func(t *rapid.T) (n transcript.Entry) {
		n.ID, n.At = id, at
		n.Type = rapid.SampledFrom(kinds).Draw(t, "type")
		n.Visibility = rapid.SampledFrom(visibilities).Draw(t, "visibility")
		n.Attributes = anyData(3).Draw(t, "attributes")
		n.Text = anyText().Draw(t, "text")
		n.From = bridge.Party{UserID: p.UserID, Nickname: p.Nickname, UserType: p.UserType, Style: p.Style}
		switch n.Type {
		case bridge.NewParty:
			n.From = p
			n.From.Visibility = n.Visibility
			n.Data = anyData(3).Draw(t, "data")
			n.Info = &bridge.UserInfo{
				PersonID:       anyText().Draw(t, "person"),
				TimeZoneOffset: rapid.Int64Range(-720, 840).Draw(t, "zone"),
				Protocol:       rapid.SampledFrom([]bridge.ProtocolType{bridge.Basic, bridge.Flex, bridge.Esp, bridge.NoneProtocol}).Draw(t, "protocol"),
			}
		case bridge.PartyLeft:
			n.Asker = rapid.SampledFrom([]string{"", "the supervisor"}).Draw(t, "asker")
			n.Reason = rapid.SampledFrom([]*bridge.Reason{nil, {Code: 0, Text: "left"}, {Code: 8}, {Code: 4, Text: "<"}}).Draw(t, "reason")
		case bridge.Message:
			n.MessageType = rapid.SampledFrom([]string{"text", "text/html"}).Draw(t, "message type")
			n.TreatAs = rapid.SampledFrom([]bridge.TreatAs{"", bridge.TreatNormal, bridge.TreatSystem}).Draw(t, "treat as")
			n.Receiver = rapid.SampledFrom([]string{"", "bob"}).Draw(t, "receiver")
		case bridge.Notice:
			n.NoticeType = rapid.SampledFrom([]string{bridge.SystemCommand, bridge.UserCustom, bridge.PushURL}).Draw(t, "notice type")
			n.Data = anyData(3).Draw(t, "data")
		case transcript.Reenter:
			n.Agents, n.Clients = transcript.Keep, transcript.Off
		}
		return n
	})
}

// carried is the entry that comes back: in whole seconds, with the text that XML can carry.
func carried(n transcript.Entry) transcript.Entry {
	n.At -= (n.At - started) % 1000
	n.Text, n.From.Nickname = clean(n.Text), clean(n.From.Nickname)
	n.Data, n.Attributes = cleanData(n.Data), cleanData(n.Attributes)
	if n.Type != bridge.Message && n.Type != bridge.Notice && n.Text != "" {
		n.MessageType = "text"
	}
	if n.Info != nil {
		info := *n.Info
		info.PersonID = clean(info.PersonID)
		n.Info = &info
	}
	return n
}

func cleanData(d bridge.Data) bridge.Data {
	var out bridge.Data
	for _, i := range d {
		i.Text, i.List = clean(i.Text), cleanData(i.List)
		out = append(out, i)
	}
	return out
}

func encode(t require.TestingT, h transcript.Header, list []transcript.Entry) []byte {
	var b bytes.Buffer
	e := transcript.NewEncoder(&b, h)
	for _, n := range list {
		require.NoError(t, e.Encode(n))
	}
	require.NoError(t, e.Close())
	return b.Bytes()
}

func decode(t require.TestingT, in []byte) (transcript.Header, []transcript.Entry) {
	d, err := transcript.NewDecoder(bytes.NewReader(in))
	require.NoError(t, err, "%s", in)
	list := []transcript.Entry{}
	for {
		n, err := d.Next()
		if errors.Is(err, io.EOF) {
			return d.Header(), list
		}
		require.NoError(t, err, "%s", in)
		list = append(list, n)
	}
}

func TestM12TranscriptComesBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list, want []transcript.Entry
		id, at := int64(0), int64(started)
		for _, p := range people {
			id++
			n := transcript.Entry{Event: bridge.Event{ID: id, At: at, Type: bridge.NewParty, From: p, Visibility: bridge.All, Info: &bridge.UserInfo{Protocol: bridge.Basic}}}
			n.From.Visibility = bridge.All
			list = append(list, n)
		}
		for range rapid.IntRange(0, 12).Draw(t, "entries") {
			id += rapid.Int64Range(1, 3).Draw(t, "gap")
			at += rapid.Int64Range(0, 5000).Draw(t, "pause")
			list = append(list, anyEntry(rapid.SampledFrom(people).Draw(t, "party"), id, at).Draw(t, "entry"))
		}
		for _, n := range list {
			w := carried(n)
			if n.Type == bridge.NewParty && n.From.Style != "" {
				// A bot says so in its attributes; when both differ, they have the last word.
				system := w.Attributes.In("GCTI_SYSTEM").In("party-info").Get("style")
				require.Empty(t, system)
				w.Attributes = append(bridge.Data{}, w.Attributes...).Set(bridge.List("GCTI_SYSTEM", append(bridge.Data{}, w.Attributes.In("GCTI_SYSTEM")...).Set(
					bridge.List("party-info", append(bridge.Data{}, w.Attributes.In("GCTI_SYSTEM").In("party-info")...).Set(bridge.Text("style", "BOT"))))))
			}
			want = append(want, w)
		}
		out := encode(t, head, list)
		got, entries := decode(t, out)
		require.Equal(t, head, got)
		require.Equal(t, want, entries, "%s", out)
		require.Equal(t, out, encode(t, head, entries), "what was read is written as it was")
	})
}

// old is a transcript as an older server writes it: items without a type, no client version,
// missing attributes, gaps in the ids, a reason without a code, elements of another release.
const old = `<?xml version="1.0"?>
<!-- exported --><v:chatTranscript xmlns:v="urn:x" startAt="2014-01-01T10:00:00Z" sessionId="0001">
  <newParty userId="1" timeShift="0" eventId="1"><userInfo userNick="Ann" userType="client"/>
    <userData><item key="TimeZone">60</item><item key="more"><item key="inner">1</item></item></userData></newParty>
  <future x="1"><deep><item/></deep></future>
  <message userId="1" timeShift="12" eventId="5"><msgText>hello &#x41;<![CDATA[ <b>]]></msgText></message>
  <message userId="2"><msgText treatAs="system">who</msgText></message>
  <notice userId="1" timeShift="20" visibility="all" eventId="9"><noticeText noticeType="SYS_COMMAND">file-uploaded</noticeText>
    <userData><item key="file-size" type="int"> 12 </item><item key="bytes" type="binary">!</item><item key="n" type="int">x</item><item key="u" type="utf">ü</item></userData></notice>
  <notice userId="1" visibility="SECRET" timeShift="21"/>
  <partyLeft userId="1" timeShift="60" eventId="12" askerId="1"><reason>left</reason></partyLeft>
  <partyLeft userId="2" timeShift="-1"/>
</v:chatTranscript>`

func TestM12OldTranscriptIsRead(t *testing.T) {
	h, list := decode(t, []byte(old))
	const at = 1388570400_000
	require.Equal(t, transcript.Header{Session: "0001", Started: at}, h)
	ann := bridge.Party{UserID: "1", Nickname: "Ann", UserType: bridge.Client}
	annIn := ann
	annIn.Visibility = bridge.All
	event := func(e bridge.Event) transcript.Entry { return transcript.Entry{Event: e} }
	require.Equal(t, []transcript.Entry{
		event(bridge.Event{ID: 1, At: at, Type: bridge.NewParty, From: annIn, Visibility: bridge.All, Info: &bridge.UserInfo{}, Data: bridge.Data{
			bridge.Text("TimeZone", "60"), bridge.List("more", bridge.Data{bridge.Text("inner", "1")}),
		}}),
		event(bridge.Event{ID: 5, At: at + 12000, Type: bridge.Message, From: ann, Visibility: bridge.All, Text: "hello A <b>"}),
		event(bridge.Event{ID: 6, At: at + 12000, Type: bridge.Message, From: bridge.Party{UserID: "2"}, Visibility: bridge.All, Text: "who", TreatAs: bridge.TreatSystem}),
		event(bridge.Event{ID: 9, At: at + 20000, Type: bridge.Notice, From: ann, Visibility: bridge.All, NoticeType: "SYS_COMMAND", Text: "file-uploaded", Data: bridge.Data{
			bridge.Int("file-size", 12), bridge.Text("bytes", "!"), bridge.Text("n", "x"), bridge.Text("u", "ü"),
		}}),
		event(bridge.Event{ID: 10, At: at + 21000, Type: bridge.Notice, From: ann, Visibility: bridge.Vip}),
		event(bridge.Event{ID: 12, At: at + 60000, Type: bridge.PartyLeft, From: ann, Visibility: bridge.All, Reason: &bridge.Reason{Text: "left"}}),
		event(bridge.Event{ID: 13, At: at, Type: bridge.PartyLeft, From: bridge.Party{UserID: "2"}, Visibility: bridge.All}),
	}, list)
}

func TestT50SecretsAndTransientEventsAreInNoTranscript(t *testing.T) {
	secret := bridge.Data{
		bridge.Text("GCTI_Chat_SessionPassword", "hunter2"), bridge.Text("chatserversessionpassword", "hunter2"), bridge.Text("SecureKey", "hunter2"),
		bridge.List("outer", bridge.Data{bridge.Text("secureKey", "hunter2"), bridge.Text("kept", "yes")}), bridge.Text(bridge.KeyFileKey, "hunter2"),
	}
	before := fmt.Sprint(secret)
	out := string(encode(t, head, []transcript.Entry{
		{Event: bridge.Event{ID: 1, At: started, Type: bridge.NewParty, From: people[0], Data: secret, Attributes: secret, Key: "hunter2"}},
		{Event: bridge.Event{ID: 2, At: started, Type: bridge.Message, From: people[0], Data: secret, Attributes: secret, Key: "hunter2"}},
		{Event: bridge.Event{ID: 3, At: started, Type: bridge.Notice, From: people[0], Data: secret, Attributes: secret, Key: "hunter2"}},
		{Event: bridge.Event{ID: 4, At: started, Type: bridge.PartyLeft, From: people[0], Data: secret, Attributes: secret, Key: "hunter2"}},
		{Event: bridge.Event{At: started, Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: "hunter2", From: people[0]}},
	}))
	require.NotContains(t, out, "hunter2")
	require.Equal(t, 7, strings.Count(out, `<item key="kept" type="string">yes</item>`))
	require.Equal(t, before, fmt.Sprint(secret), "the events themselves do not change")
}

func TestFileSizeIsANumber(t *testing.T) {
	notice := bridge.Announcement{Name: "a.pdf", Size: 1234, DocumentID: "0000AaBCDEFG0002"}.Notice(bridge.All)
	notice.ID, notice.At, notice.From = 7, started, people[0]
	notice.Data = notice.Data.Set(bridge.Text(bridge.KeyFileSize, "1234")) // as GMS sends it
	out := string(encode(t, head, []transcript.Entry{{Event: notice}}))
	require.Contains(t, out, `<item key="file-size" type="int">1234</item>`)
	require.Contains(t, out, `<item key="file-document-id" type="string">0000AaBCDEFG0002</item>`)
	require.NotContains(t, out, "xmlns")
	require.NoError(t, xml.Unmarshal([]byte(out), new(struct{})), "any XML reader takes it")
}

// What a page of a customer does not get, its transcript has no more.
func TestAudience_CustomersLearnOfNoDocumentID(t *testing.T) {
	notice := bridge.Announcement{Name: "a.pdf", Size: 1234, DocumentID: "0000AaBCDEFG0002"}.Notice(bridge.All)
	notice.ID, notice.At, notice.From = 7, started, people[0]
	for _, a := range transcript.Audiences {
		seen, ok := a.View(notice)
		require.True(t, ok)
		out := string(encode(t, head, []transcript.Entry{{Event: seen}}))
		require.Contains(t, out, "a.pdf")
		for _, hidden := range []string{"0000AaBCDEFG0002", bridge.KeyDocumentID, bridge.KeyFileSource} {
			require.Equal(t, a != transcript.Customer, strings.Contains(out, hidden), "%s: %s", a, hidden)
		}
	}
	require.Equal(t, "0000AaBCDEFG0002", notice.Data.Get(bridge.KeyDocumentID), "the event itself does not change")
}

func TestT51DecoderRefusesWhatIsNotATranscript(t *testing.T) {
	const bound = 1 << 16 // because the race detector makes package xml slow
	defer transcript.SetMaxEvent(bound)()
	huge := strings.Repeat("a", 2*bound)
	const open = `<chatTranscript startAt="2026-01-01T00:00:00Z">`
	deep := strings.Repeat(`<item key="a" type="kvlist">`, 17) + strings.Repeat(`</item>`, 17)
	for name, c := range map[string]struct{ in, message string }{
		"nothing":             {"", "not a chat transcript"},
		"another document":    {"<html/>", "not a chat transcript"},
		"a time that is none": {`<chatTranscript startAt="yesterday"/>`, "startAt is not a time"},
		"cut in an entry":     {open + `<message userId="1"><msgText>he`, "unexpected EOF"},
		"cut after an entry":  {open + `<message userId="1"/>`, "unexpected EOF"},
		"not UTF-8":           {open + "<message><msgText>\xff</msgText></message></chatTranscript>", "UTF-8"},
		"another encoding":    {`<?xml version="1.0" encoding="UTF-16"?>` + open + "</chatTranscript>", "UTF-16"},
		"an entity":           {`<!DOCTYPE x [<!ENTITY a "b">]>` + open + "<message><msgText>&a;</msgText></message></chatTranscript>", "entity"},
		"a control character": {open + "<message><msgText>\x01</msgText></message></chatTranscript>", "illegal character"},
		"deep lists":          {open + "<notice><userData>" + deep + "</userData></notice></chatTranscript>", "nested deeper than 16"},
		"deep elements":       {open + strings.Repeat("<a>", bound), "larger than 1 MiB"},
		"a deep entry":        {open + "<message>" + strings.Repeat("<a>", bound), "larger than 1 MiB"},
		"a huge attribute":    {open + `<message userId="` + huge, "larger than 1 MiB"},
		"a huge text":         {open + `<message><msgText>` + huge, "larger than 1 MiB"},
		"a huge comment":      {`<!--` + huge, "larger than 1 MiB"},
		"a huge directive":    {`<!DOCTYPE ` + huge, "larger than 1 MiB"},
		"a billion laughs":    {`<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + open + `<message><msgText>&b;</msgText></message></chatTranscript>`, "entity"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := transcript.NewDecoder(strings.NewReader(c.in))
			for err == nil {
				_, err = d.Next()
			}
			require.ErrorContains(t, err, c.message)
			require.NotErrorIs(t, err, io.EOF, "only a whole transcript ends")
		})
	}
}

// TestM12AHundredThousandEventsInBoundedMemory passes them from the encoder to the decoder,
// without a file between. With the race detector there are fewer, because it takes ten times as
// long.
func TestM12AHundredThousandEventsInBoundedMemory(t *testing.T) {
	events := int64(100_000)
	if raceDetector {
		events /= 10
	}
	r, w := io.Pipe()
	go func() {
		e := transcript.NewEncoder(w, head)
		p := bridge.Party{UserType: bridge.Client, Nickname: strings.Repeat("n", 256)}
		for n := range events {
			p.UserID = fmt.Sprint(n / 3)
			kind := []bridge.EventType{bridge.NewParty, bridge.Message, bridge.PartyLeft}[n%3]
			if err := e.Encode(transcript.Entry{Event: bridge.Event{ID: n + 1, At: started, Type: kind, From: p, Text: "hello"}}); err != nil {
				w.CloseWithError(err)
				return
			}
		}
		w.CloseWithError(e.Close())
	}()
	d, err := transcript.NewDecoder(r)
	require.NoError(t, err)
	before := heap()
	var most uint64
	n := int64(0)
	for ; ; n++ {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.Equal(t, n+1, e.ID)
		if n%(events/10) == 0 {
			most = max(most, heap())
		}
	}
	require.Equal(t, events, n)
	require.Less(t, most, before+8<<20)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// source is a Chat Server with these events.
type source []bridge.Event

func (s source) Transcript(_ context.Context, session string, position int64, each func(bridge.Event) error) error {
	for _, e := range s {
		if e.ID > position && session == head.Session {
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestWrite_HasWhatItsAudienceMaySee(t *testing.T) {
	ann, bob, sue := people[0], people[1], bridge.Party{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor}
	from := source{
		{ID: 1, At: started, Type: bridge.NewParty, From: sue, Visibility: bridge.Vip},
		{ID: 2, At: started + 9000, Type: bridge.NewParty, From: ann, Visibility: bridge.All},
		{ID: 3, At: started + 9000, Type: bridge.Message, From: bob, Visibility: bridge.All, Text: "public"},
		{ID: 4, At: started + 9000, Type: bridge.Message, From: bob, Visibility: bridge.Internal, Text: "coaching"},
		{ID: 5, At: started + 9000, Type: bridge.Message, From: sue, Visibility: bridge.Vip, Text: "monitoring"},
		{ID: 6, At: started + 9000, Type: bridge.Message, From: bob, Receiver: "ann", Visibility: bridge.All, Text: "direct"},
		{ID: 0, At: started + 9000, Type: bridge.Notice, NoticeType: bridge.TypingStarted, From: ann, Visibility: bridge.All, Text: "typing"},
	}
	for audience, ids := range map[transcript.Audience][]int64{
		transcript.Everything: {1, 2, 3, 4, 5, 6}, transcript.Staff: {2, 3, 4}, transcript.Customer: {2, 3}, "nobody": {},
	} {
		t.Run(string(audience), func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, transcript.Write(t.Context(), &b, from, head.Session, audience))
			h, list := decode(t, b.Bytes())
			require.Equal(t, head, h, "the session began with an event that not everybody may see")
			got := []int64{}
			for _, n := range list {
				got = append(got, n.ID)
			}
			require.Equal(t, ids, got)
		})
	}
	var b bytes.Buffer
	require.Equal(t, bridge.CodeTranscript, bridge.CodeOf(transcript.Write(t.Context(), &b, from, "another", transcript.Everything)))
	require.Zero(t, b.Len())
	require.Error(t, transcript.Write(t.Context(), full{}, source(slices.Repeat([]bridge.Event(from), 200)), head.Session, transcript.Everything))
}

// full is a writer that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestParseAudience(t *testing.T) {
	for _, a := range transcript.Audiences {
		got, err := transcript.ParseAudience(string(a))
		require.NoError(t, err)
		require.Equal(t, a, got)
	}
	_, err := transcript.ParseAudience("ALL")
	require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err))
}

// FuzzDecoder: whatever is read can be written, and reads as the same again.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(old))
	f.Add(encode(f, head, []transcript.Entry{{Event: bridge.Event{ID: 1, At: started, Type: bridge.NewParty, From: people[2], Data: bridge.Data{bridge.Binary("b", []byte{1})}}}}))
	f.Add([]byte(`<chatTranscript startAt="9999-12-31T23:59:59Z"><reenter agents="ON" timeShift="9223372036854775807"/></chatTranscript>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := transcript.NewDecoder(bytes.NewReader(in))
		if err != nil {
			return
		}
		var list []transcript.Entry
		for {
			n, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			list = append(list, n)
		}
		once := encode(t, d.Header(), list)
		h, again := decode(t, once)
		require.Len(t, again, len(list))
		require.Equal(t, string(once), string(encode(t, h, again)))
	})
}
