package bridge_test

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNoticeVectors(t *testing.T) {
	var v struct {
		Files []struct {
			Name, Event string
			File        bridge.File
		}
		Refused []struct {
			Name, Event string
			Code        bridge.Code
			Message     string
		}
		Announcements []struct {
			Name         string
			Announcement bridge.Announcement
			Visibility   bridge.Visibility
			Data         string
		}
		Shown []struct {
			Name, Event, Shown string
			Hide               bool
		}
	}
	load(t, "notices", &v)
	for _, tc := range v.Files {
		t.Run(tc.Name, func(t *testing.T) {
			e, err := bridge.ParseEvent([]byte(tc.Event))
			require.NoError(t, err)
			file, err := bridge.DecodeFile(e)
			require.NoError(t, err)
			require.Equal(t, tc.File, file)
			require.Equal(t, tc.Event, string(bridge.AppendEvent(nil, e)))
		})
	}
	for _, tc := range v.Refused {
		t.Run("refused: "+tc.Name, func(t *testing.T) {
			e, err := bridge.ParseEvent([]byte(tc.Event))
			require.NoError(t, err)
			_, err = bridge.DecodeFile(e)
			requireRefusal(t, err, tc.Code, tc.Message)
		})
	}
	for _, tc := range v.Announcements {
		t.Run("announced: "+tc.Name, func(t *testing.T) {
			e := tc.Announcement.Notice(tc.Visibility)
			require.True(t, e.IsFile())
			require.Equal(t, tc.Visibility, e.Visibility)
			require.Equal(t, tc.Announcement.Key, e.Key)
			have, err := e.Data.MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, tc.Data, string(have))
			require.NoError(t, bridge.CheckNotice(e.Data))
		})
	}
	for _, tc := range v.Shown {
		t.Run("shown: "+tc.Name, func(t *testing.T) {
			e, err := bridge.ParseEvent([]byte(tc.Event))
			require.NoError(t, err)
			require.Equal(t, tc.Shown, string(bridge.AppendEvent(nil, bridge.Shown(e, tc.Hide))))
			require.Equal(t, tc.Event, string(bridge.AppendEvent(nil, e)), "others share the event")
			shown := bridge.Shown(e, tc.Hide)
			file, err := bridge.DecodeFile(shown)
			if shown.Access == nil {
				require.Equal(t, bridge.CodeNotice, bridge.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, shown.Access, &bridge.Access{Download: file.Downloadable, Reason: file.Reason})
			require.Equal(t, tc.Hide, file.Source == "", "the decoder needs no hidden key")
		})
	}
}

// For every offer that a page may make, the notice reaches every page: it is within
// all bounds, XML can carry it, and it decodes to the same file.
func TestT35_EveryNoticeFitsAndComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\x00\x1b\v\f\n\t\"\\&<>'\uffff\u2028é😀a"))))
		a := bridge.Announcement{
			Name:        text.Filter(func(s string) bool { return bridge.CheckName(s) == nil }).Draw(t, "name"),
			Size:        rapid.Int64Range(0, bridge.MaxInteger).Draw(t, "size"),
			DocumentID:  "0000AaBCDEFG0002",
			UploadType:  bridge.FromFileSystem,
			Description: limit(strings.Repeat(text.Draw(t, "description"), rapid.IntRange(0, 2000).Draw(t, "times")), bridge.MaxValue),
			Key:         bridge.Key{15: 1}.String(),
			Custom:      custom(t),
		}
		if bridge.CheckCustom(a.Custom) != nil {
			return
		}
		requireDelivered(t, a)
	})
}

// The same at the bounds themselves.
func TestT35_LargestNoticeFits(t *testing.T) {
	for name, filler := range map[string]string{"plain": "x", "escaped by JSON": `"`, "four bytes": "😀", "no XML": "\x01"} {
		t.Run(name, func(t *testing.T) {
			a := bridge.Announcement{
				Name: strings.Repeat(filler, bridge.MaxNameLength), Size: bridge.MaxInteger,
				DocumentID: strings.Repeat("d", 16), UploadType: bridge.FromStandardResponse,
				Description: limit(strings.Repeat(filler, bridge.MaxValue), bridge.MaxValue),
				Key:         bridge.Key{}.String(),
			}
			if name == "no XML" {
				filler = "x"
			}
			for i := range bridge.MaxCustomItems {
				a.Custom = append(a.Custom, bridge.Text(strconv.Itoa(1000+i), strings.Repeat(filler, (bridge.MaxCustom/bridge.MaxCustomItems-4)/len(filler))))
			}
			require.NoError(t, bridge.CheckCustom(a.Custom))
			requireDelivered(t, a)
		})
	}
}

// A deceptive name reaches the store and every desktop clean; a page still learns
// the original. Receiver and sender see the same caution.
func TestM8_NoticeHasTheCleanName(t *testing.T) {
	for raw, want := range map[string]bridge.Name{
		"report.pdf":                {Text: "report.pdf"},
		"../../evil.exe/x.pdf":      {Text: "x.pdf", Caution: bridge.CautionPath},
		`C:\Windows\System32\x.pdf`: {Text: "x.pdf", Caution: bridge.CautionPath},
		"x\u202efdp.exe.pdf":        {Text: "xfdp.exe.pdf", Caution: bridge.CautionAltered},
		"con.pdf":                   {Text: "_con.pdf", Changed: bridge.ChangeReserved},
		"a\x00b.pdf":                {Text: "ab.pdf", Caution: bridge.CautionAltered},
		"a\uffff\n.pdf":             {Text: "a.pdf", Caution: bridge.CautionAltered},
		"חשבונית\u200f.pdf":         {Text: "חשבונית.pdf"},
		"x.pdf.":                    {Text: "x.pdf"},
	} {
		want.Extension, want.Kind = "pdf", bridge.PDF
		e := bridge.Announcement{Name: raw, DocumentID: "d", Key: bridge.Key{}.String()}.Notice(bridge.All)
		require.Equal(t, want.Text, e.Data.Get(bridge.KeyFileName), "%q", raw)
		original, has := e.Data.Lookup(bridge.KeyFileAsSent)
		require.Equal(t, raw != want.Text, has, "%q", raw)
		require.NoError(t, carriedByXML(original))
		file, err := bridge.DecodeFile(e)
		require.NoError(t, err)
		require.Equal(t, want, file.Name, "%q", raw)
		require.Empty(t, file.Custom)
		require.Equal(t, bridge.SafeName(raw, ""), file.Name)
	}
}

// A notice cannot claim an original name that does not clean to the file's name.
func TestM8_MismatchedOriginalNameIsIgnored(t *testing.T) {
	e := bridge.Announcement{Name: "setup.exe", DocumentID: "d", Key: "k"}.Notice(bridge.All)
	e.Data = e.Data.Set(bridge.Text(bridge.KeyFileAsSent, "holiday.jpg"))
	file, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.Equal(t, bridge.SafeName("setup.exe", ""), file.Name)

	e.Data = e.Data.Set(bridge.Text(bridge.KeyFileName, "x\u202efdp.exe"))
	file, err = bridge.DecodeFile(e)
	require.NoError(t, err)
	require.Equal(t, "xfdp.exe", file.Name.Text, "a foreign notice is cleaned")
}

func requireDelivered(t require.TestingT, a bridge.Announcement) {
	e := a.Notice(bridge.All)
	e.ID, e.At = bridge.MaxInteger, bridge.MaxInteger
	e.From = bridge.Party{UserID: strings.Repeat("u", 64), Nickname: strings.Repeat(`"`, 256), UserType: bridge.Client}
	e.Data = e.Data.Set(bridge.Text(bridge.KeyFileID, strings.Repeat("f", 64)))
	require.NoError(t, e.Data.Check())

	message := bridge.AppendMessage(nil, &bridge.EventAdded{Event: e})
	require.LessOrEqual(t, len(message), bridge.MaxMessage)
	m, err := bridge.FromProxy(message)
	require.NoError(t, err)
	require.Equal(t, e, m.(*bridge.EventAdded).Event)

	file, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.True(t, file.Downloadable)
	require.Equal(t, a.Size, file.Size)
	require.Equal(t, a.Key, file.Key)
	require.Equal(t, len(a.Custom), len(file.Custom))
	for i := range a.Custom {
		require.Equal(t, a.Custom[i], file.Custom[i])
	}
	for _, item := range e.Data {
		require.NoError(t, carriedByXML(item.Key+item.Text))
	}
}

func custom(t *rapid.T) bridge.Data {
	item := rapid.Custom(func(t *rapid.T) bridge.Item {
		key := rapid.StringMatching(`[a-zA-Z_.éü 0-9-]{1,20}`).Draw(t, "key")
		if rapid.Bool().Draw(t, "is a number") {
			return bridge.Int(key, rapid.Int64Range(0, bridge.MaxInteger).Draw(t, "number"))
		}
		return bridge.Text(key, rapid.String().Draw(t, "value"))
	})
	items := rapid.SliceOfNDistinct(item, 0, 50, func(i bridge.Item) string { return i.Key }).Draw(t, "custom")
	if len(items) == 0 {
		return nil
	}
	return items
}

// limit cuts s to at most n bytes of valid UTF-8.
func limit(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// carriedByXML asks encoding/xml, which refuses what XML 1.0 cannot carry.
func carriedByXML(s string) error {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	d := xml.NewDecoder(strings.NewReader("<a>" + escaped + "</a>"))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestXMLText(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"plain\t\r\n":      "plain\t\r\n",
		"تقرير 👩‍💻 <&>":    "تقرير 👩‍💻 <&>",
		"\x00\x08\x0b":     "\ufffd\ufffd\ufffd",
		"a\ufffe\uffffb":   "a\ufffd\ufffdb",
		"a\ufffdb":         "a\ufffdb",
		"\xed\xa0\x80":     "\ufffd\ufffd\ufffd",
		"caf\xe9":          "caf\ufffd",
		"\u0085\x7f\u2028": "\u0085\x7f\u2028",
	} {
		require.Equal(t, want, bridge.XMLText(in), "%q", in)
	}
}

func FuzzXMLText(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x00", "a\xffb", "\uffff", "\ufffd", "\xed\xa0\x80", "]]>", "\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := bridge.XMLText(s)
		require.True(t, utf8.ValidString(out))
		require.NoError(t, carriedByXML(out))
		require.Equal(t, out, bridge.XMLText(out), "it is idempotent")
		if utf8.ValidString(s) && carriedByXML(s) == nil {
			require.Equal(t, s, out, "nothing is replaced without need")
		}
		require.Equal(t, utf8.RuneCountInString(s), utf8.RuneCountInString(out))
	})
}
