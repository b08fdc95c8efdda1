package clamd_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/proxy"
	"attache/proxy/clamd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ok   = "stream: OK\x00"
	none = proxy.Unknown
)

// reset makes the other end read an error instead of EOF.
func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// TestT31Replies tries every kind of answer, and of missing answer. Only one is clean.
func TestT31Replies(t *testing.T) {
	for name, c := range map[string]struct {
		play act
		want proxy.Verdict // Unknown comes with an error
	}{
		"clean":                         {says(ok), proxy.Clean},
		"infected":                      {says("stream: Win.Test.EICAR_HDB-1 FOUND\x00"), proxy.Infected},
		"infected, unofficial":          {says("stream: Own.UNOFFICIAL FOUND\x00"), proxy.Infected},
		"infected, with its hash":       {says("stream: Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND\x00"), proxy.Infected},
		"infected, odd name":            {says("stream: a b FOUND FOUND\x00"), proxy.Infected},
		"phishing heuristics":           {says("stream: Heuristics.Phishing.Email.SpoofedDomain FOUND\x00"), proxy.Infected},
		"a name that contains OK":       {says("stream: OK FOUND\x00"), proxy.Infected},
		"file too large":                {says("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\x00"), proxy.Unscannable},
		"scan too large":                {says("stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\x00"), proxy.Unscannable},
		"too deep":                      {says("stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\x00"), proxy.Unscannable},
		"too many files":                {says("stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\x00"), proxy.Unscannable},
		"too long a scan":               {says("stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\x00"), proxy.Unscannable},
		"limits, without a detail":      {says("stream: Heuristics.Limits.Exceeded FOUND\x00"), proxy.Unscannable},
		"encrypted zip":                 {says("stream: Heuristics.Encrypted.Zip FOUND\x00"), proxy.Unscannable},
		"encrypted pdf":                 {says("stream: Heuristics.Encrypted.PDF FOUND\x00"), proxy.Unscannable},
		"broken executable":             {says("stream: Heuristics.Broken.Executable FOUND\x00"), proxy.Unscannable},
		"stream limit":                  {says("INSTREAM size limit exceeded. ERROR\x00"), proxy.Unscannable},
		"other error":                   {says("stream: Can't allocate memory ERROR\x00"), none},
		"command unknown":               {says("UNKNOWN COMMAND\x00"), none},
		"read timed out":                {says("INSTREAM: Read timed out. ERROR\x00"), none},
		"nothing":                       {says(""), none},
		"only a NUL":                    {says("\x00"), none},
		"no NUL":                        {says("stream: OK"), none},
		"a newline for the NUL":         {says("stream: OK\n"), none},
		"a newline before the NUL":      {says("stream: OK\n\x00"), none},
		"half":                          {says("stream: "), none},
		"two answers":                   {says(ok + ok), none},
		"two answers that disagree":     {says(ok + "stream: Eicar FOUND\x00"), none},
		"text after the NUL":            {says(ok + "x"), none},
		"NUL first":                     {says("\x00stream: OK"), none},
		"other case":                    {says("stream: ok\x00"), none},
		"blank before":                  {says(" stream: OK\x00"), none},
		"blank after":                   {says("stream: OK \x00"), none},
		"without stream":                {says("OK\x00"), none},
		"another file":                  {says("/tmp/x: OK\x00"), none},
		"session's number":              {says("1: stream: OK\x00"), none},
		"found nothing":                 {says("stream:  FOUND\x00"), none},
		"found, without a name":         {says("stream: FOUND\x00"), none},
		"control characters":            {says("stream: a\x1b[2J FOUND\x00"), none},
		"invalid UTF-8":                 {says("stream: \xff\xfe FOUND\x00"), none},
		"OK not found":                  {says("stream: OK NOT FOUND ERROR\x00"), none},
		"no end":                        {says(strings.Repeat("x", 1<<20)), none},
		"pong":                          {says("PONG\x00"), none},
		"html":                          {says("HTTP/1.1 400 Bad Request\r\n\r\n"), none},
		"reset after all":               {func(c net.Conn) { whole(c); reset(c) }, none},
		"reset in the middle of answer": {func(c net.Conn) { whole(c); io.WriteString(c, "stream: O"); reset(c) }, none},
	} {
		t.Run(name, func(t *testing.T) { requireVerdict(t, c.play, 300<<10, c.want) })
	}
}

// What is said before the content was read.
func TestT31EarlyReplies(t *testing.T) {
	for name, c := range map[string]struct {
		play act
		want proxy.Verdict
	}{
		"infected, early":             {saysEarly("stream: Eicar FOUND\x00", true), proxy.Infected},
		"stream limit, early":         {saysEarly("INSTREAM size limit exceeded. ERROR\x00", false), proxy.Unscannable},
		"clean, but early":            {saysEarly(ok, true), none},
		"clean, but nothing was read": {saysEarly(ok, false), none},
		"closed at once":              {func(net.Conn) {}, none},
		"reset at once":               {reset, none},
	} {
		t.Run(name, func(t *testing.T) {
			requireVerdict(t, c.play, 8<<20, c.want) // more than the sockets' buffers hold
		})
	}
}

func requireVerdict(t *testing.T, play act, size int, want proxy.Verdict) {
	t.Helper()
	client, err := clamd.New(startDouble(t, play).address, clamd.Options{})
	require.NoError(t, err)
	verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, size)), proxy.Document{ID: "d"})
	require.Equal(t, want, verdict, "%v", err)
	require.Equal(t, want == none, err != nil, "%v", err)
}

func TestScan_SendsTheWholeContent(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "a byte": 1, "a chunk": 128 << 10, "a chunk and a byte": 128<<10 + 1, "many": 3<<20 + 7} {
		t.Run(name, func(t *testing.T) {
			sent := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
			got := make(chan []byte, 1)
			d := startDouble(t, func(c net.Conn) { got <- whole(c); io.WriteString(c, ok) })
			client, err := clamd.New("tcp://"+d.address, clamd.Options{})
			require.NoError(t, err)
			verdict, err := client.Scan(t.Context(), iotest.HalfReader(bytes.NewReader(sent)), proxy.Document{})
			require.NoError(t, err)
			require.Equal(t, proxy.Clean, verdict)
			require.True(t, bytes.Equal(sent, <-got))
		})
	}
}

func TestScan_TooLargeIsUnscannable(t *testing.T) {
	client, err := clamd.New(startDouble(t, says(ok)).address, clamd.Options{MaxSize: 1 << 20})
	require.NoError(t, err)
	for name, declared := range map[string]int64{"declared": 1<<20 + 1, "undeclared": 1} {
		t.Run(name, func(t *testing.T) {
			verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, 1<<20+1)), proxy.Document{Size: declared})
			require.NoError(t, err)
			require.Equal(t, proxy.Unscannable, verdict)
		})
	}
	verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, 1<<20)), proxy.Document{Size: 1 << 20})
	require.NoError(t, err)
	require.Equal(t, proxy.Clean, verdict)
}

func TestT31ShortContentGivesNoVerdict(t *testing.T) {
	client, err := clamd.New(startDouble(t, says(ok)).address, clamd.Options{})
	require.NoError(t, err)
	for name, there := range map[string]string{"empty": "", "a byte short": "hell"} {
		t.Run(name, func(t *testing.T) {
			verdict, err := client.Scan(t.Context(), strings.NewReader(there), proxy.Document{Size: 5})
			require.ErrorContains(t, err, "of 5")
			require.Equal(t, none, verdict)
		})
	}
}

func TestScan_UnreadableContentIsAnError(t *testing.T) {
	client, err := clamd.New(startDouble(t, says(ok)).address, clamd.Options{})
	require.NoError(t, err)
	broken := errors.New("broken")
	verdict, err := client.Scan(t.Context(), io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), proxy.Document{})
	require.ErrorIs(t, err, broken)
	require.Equal(t, none, verdict)
}

func TestScan_UnreachableDaemonIsAnError(t *testing.T) {
	for _, address := range []string{"127.0.0.1:1", "/nowhere/clamd.ctl", "unix:///nowhere/clamd.ctl"} {
		client, err := clamd.New(address, clamd.Options{})
		require.NoError(t, err)
		verdict, err := client.Scan(t.Context(), strings.NewReader("x"), proxy.Document{})
		require.Error(t, err)
		require.Equal(t, none, verdict)
		require.Error(t, client.SelfTest(t.Context()))
	}
	for _, address := range []string{"", "clamd", "clamd.ctl"} {
		_, err := clamd.New(address, clamd.Options{})
		require.Error(t, err, address)
	}
}

func TestScan_SilentDaemonIsAnError(t *testing.T) {
	over := make(chan struct{})
	for name, play := range map[string]act{
		"receives everything": func(c net.Conn) { whole(c); io.Copy(io.Discard, c) },
		"receives nothing":    func(c net.Conn) { <-over },
	} {
		t.Run(name, func(t *testing.T) {
			client, err := clamd.New(startDouble(t, play).address, clamd.Options{IdleTimeout: 50 * time.Millisecond})
			require.NoError(t, err)
			verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, 20<<20)), proxy.Document{})
			if name == "receives nothing" {
				close(over)
			}
			require.Error(t, err)
			require.Equal(t, none, verdict)
		})
	}
}

func TestScan_Cancelled(t *testing.T) {
	in := make(chan struct{})
	d := startDouble(t, func(c net.Conn) { whole(c); close(in); io.Copy(io.Discard, c) })
	client, err := clamd.New(d.address, clamd.Options{MaxScans: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-in; cancel() }()
	verdict, err := client.Scan(ctx, strings.NewReader("x"), proxy.Document{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, none, verdict)
	_, err = client.Scan(ctx, strings.NewReader("x"), proxy.Document{})
	require.ErrorIs(t, err, context.Canceled, "its slot is free again, and the context has ended")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"stream: OK", "stream: a FOUND", "stream: Heuristics.Encrypted.Zip FOUND", "INSTREAM size limit exceeded. ERROR", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		verdict, signature, err := clamd.Parse(s)
		require.Equal(t, verdict == proxy.Clean, s == "stream: OK")
		require.Equal(t, verdict == proxy.Unknown, err != nil)
		require.Equal(t, verdict == proxy.Infected || verdict == proxy.Unscannable, signature != "")
	})
}
