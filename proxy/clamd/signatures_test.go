package clamd_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/clamd"
)

// made is the time of the doubles' daily database.
var made = time.Date(2026, time.January, 2, 9, 0, 0, 0, time.Local)

const (
	dated   = "ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026\x00"
	undated = "ClamAV 1.4.3\x00"
	day     = 24 * time.Hour
)

func TestT32VersionReplies(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	for name, c := range map[string]struct {
		reply string
		want  clamd.Signatures // none: an error
	}{
		"dated":                   {"ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026", clamd.Signatures{"1.4.3", 27500, time.Date(2026, 1, 2, 9, 0, 0, 0, tokyo)}},
		"a day of two digits":     {"ClamAV 1.4.3/27512/Wed Jan 14 23:59:59 2026", clamd.Signatures{"1.4.3", 27512, time.Date(2026, 1, 14, 23, 59, 59, 0, tokyo)}},
		"a development version":   {"ClamAV devel-20260102/27500/Fri Jan  2 09:00:00 2026", clamd.Signatures{"devel-20260102", 27500, time.Date(2026, 1, 2, 9, 0, 0, 0, tokyo)}},
		"no daily database":       {"ClamAV 1.4.3", clamd.Signatures{Engine: "1.4.3"}},
		"nothing":                 {"", clamd.Signatures{}},
		"no version":              {"ClamAV ", clamd.Signatures{}},
		"no version, but a date":  {"ClamAV /27500/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"another program":         {"SSH-2.0-OpenSSH_10.0", clamd.Signatures{}},
		"unknown command":         {"UNKNOWN COMMAND", clamd.Signatures{}},
		"a stream's answer":       {"stream: OK", clamd.Signatures{}},
		"a session's answer":      {"1: ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"a database without date": {"ClamAV 1.4.3/27500", clamd.Signatures{}},
		"an empty date":           {"ClamAV 1.4.3/27500/", clamd.Signatures{}},
		"ctime's error":           {"ClamAV 1.4.3/27500/invalid timestam", clamd.Signatures{}},
		"a date of another form":  {"ClamAV 1.4.3/27500/2026-01-02T09:00:00Z", clamd.Signatures{}},
		"no such day":             {"ClamAV 1.4.3/27500/Mon Feb 30 09:00:00 2026", clamd.Signatures{}},
		"more after the date":     {"ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026| COMMANDS: SCAN", clamd.Signatures{}},
		"a line's end":            {"ClamAV 1.4.3/27500/Fri Jan  2 09:00:00 2026\n", clamd.Signatures{}},
		"database of no number":   {"ClamAV 1.4.3/new/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"database 0":              {"ClamAV 1.4.3/0/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"database below 0":        {"ClamAV 1.4.3/-1/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"database of no uint32":   {"ClamAV 1.4.3/4294967296/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
		"control characters":      {"ClamAV \x1b[2J/27500/Fri Jan  2 09:00:00 2026", clamd.Signatures{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := clamd.ParseVersion(c.reply, tokyo)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want == clamd.Signatures{}, err != nil, "%v", err)
		})
	}
}

// TestT32StaleSignatures tries answers with every age, and without one, on a client with a MaxAge
// of three days and on one without.
func TestT32StaleSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		version act
		after   time.Duration // from when the database was made
		age     time.Duration // negative: unknown
		fresh   bool
		warns   bool
	}{
		"of now":                     {reply(dated), 0, 0, true, false},
		"a day old":                  {reply(dated), day, day, true, false},
		"as old as allowed":          {reply(dated), 3 * day, 3 * day, true, false},
		"a second older":             {reply(dated), 3*day + time.Second, 3*day + time.Second, false, false},
		"a week old":                 {reply(dated), 7 * day, 7 * day, false, false},
		"more than a week":           {reply(dated), 7*day + time.Second, 7*day + time.Second, false, true},
		"years old":                  {reply(dated), 4000 * day, 4000 * day, false, true},
		"of another zone's today":    {reply(dated), -26 * time.Hour, 0, true, false},
		"of the future":              {reply(dated), -26*time.Hour - time.Second, -1, false, true},
		"of a far future":            {reply(dated), -4000 * day, -1, false, true},
		"no daily database":          {reply(undated), 0, -1, false, true},
		"rubbish":                    {reply("ClamAV 1.4.3/27500/soon\x00"), 0, -1, false, true},
		"another program":            {reply("HTTP/1.1 400 Bad Request\r\n\r\n"), 0, -1, false, true},
		"half":                       {reply("ClamAV 1.4.3/27500/Fri Jan  2 09:"), 0, -1, false, true},
		"two answers":                {reply(dated + dated), 0, -1, false, true},
		"no end":                     {reply(strings.Repeat("x", 1<<20)), 0, -1, false, true},
		"none, and hung up":          {reply(""), 0, -1, false, true},
		"none, and waiting":          {func(c net.Conn) { io.Copy(io.Discard, c) }, 0, -1, false, true},
		"a database, but no version": {reply("ClamAV /27500/Fri Jan  2 09:00:00 2026\x00"), 0, -1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDated(t, c.version, says(ok))
			now := func() time.Time { return made.Add(c.after) }
			scan := func(client *clamd.Client) (proxy.Verdict, error) {
				return client.Scan(t.Context(), strings.NewReader("x"), proxy.Document{ID: "d", Size: 1})
			}
			log, timeout := make(levels, 1), time.Minute
			if name == "none, and waiting" {
				timeout = 200 * time.Millisecond
			}
			lax, err := clamd.New(d.address, clamd.Options{Log: slog.New(log), Now: now, IdleTimeout: timeout})
			require.NoError(t, err)
			age, err := lax.Age(t.Context())
			require.Equal(t, c.age < 0, err != nil, "%v", err)
			require.Equal(t, max(c.age, 0), age)
			lax.LogSignatures(t.Context())
			require.Equal(t, c.warns, <-log == slog.LevelWarn)
			require.NoError(t, lax.CheckAge(t.Context()))
			verdict, err := scan(lax)
			require.NoError(t, err)
			require.Equal(t, proxy.Clean, verdict)

			strict, err := clamd.New(d.address, clamd.Options{Log: slog.New(log), Now: now, IdleTimeout: timeout, MaxAge: 3 * day})
			require.NoError(t, err)
			require.Equal(t, c.fresh, strict.CheckAge(t.Context()) == nil)
			strict.LogSignatures(t.Context())
			require.Equal(t, !c.fresh, <-log == slog.LevelWarn)
			verdict, err = scan(strict)
			if c.fresh {
				require.NoError(t, err)
				require.Equal(t, proxy.Clean, verdict)
				return
			}
			require.ErrorIs(t, err, bridge.NewError(bridge.CodeScannerOffline, ""))
			require.Equal(t, none, verdict)
		})
	}
}

// Time passes and freshclam updates the database: no scan relies on an earlier age.
func TestT32ScanChecksTheAgeEachTime(t *testing.T) {
	var version atomic.Value
	version.Store(dated)
	var after atomic.Int64
	d := startDated(t, func(c net.Conn) { io.WriteString(c, version.Load().(string)) }, says(ok))
	client, err := clamd.New(d.address, clamd.Options{MaxAge: 3 * day, Now: func() time.Time { return made.Add(time.Duration(after.Load())) }})
	require.NoError(t, err)
	for _, step := range []struct {
		version string
		after   time.Duration
		want    proxy.Verdict
	}{
		{dated, 0, proxy.Clean},
		{dated, 4 * day, proxy.Unknown},
		{"ClamAV 1.4.3/27504/Tue Jan  6 09:00:00 2026\x00", 4 * day, proxy.Clean},
		{undated, 4 * day, proxy.Unknown},
	} {
		version.Store(step.version)
		after.Store(int64(step.after))
		verdict, err := client.Scan(t.Context(), strings.NewReader("x"), proxy.Document{Size: 1})
		require.Equal(t, step.want, verdict, "%v", err)
	}
}

func TestT32SignaturesAreLoggedPeriodically(t *testing.T) {
	log := make(levels)
	d := startDated(t, reply(dated), says(ok))
	client, err := clamd.New(d.address, clamd.Options{Log: slog.New(log), Now: func() time.Time { return made.Add(8 * day) }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { client.LogSignaturesEvery(ctx, time.Millisecond); close(over) }()
	for range 3 {
		require.Equal(t, slog.LevelWarn, <-log)
	}
	cancel()
	for {
		select {
		case <-log: // the last one
		case <-over:
			return
		}
	}
}

// reply answers without reading.
func reply(s string) act { return func(c net.Conn) { io.WriteString(c, s) } }

// levels is a log handler that keeps only the levels.
type levels chan slog.Level

func (l levels) Enabled(context.Context, slog.Level) bool      { return true }
func (l levels) WithAttrs([]slog.Attr) slog.Handler            { return l }
func (l levels) WithGroup(string) slog.Handler                 { return l }
func (l levels) Handle(_ context.Context, r slog.Record) error { l <- r.Level; return nil }

func FuzzT32ParseVersion(f *testing.F) {
	for _, s := range []string{dated, undated, "ClamAV 1.4.3/27500/", "ClamAV 1/1/Mon Jan  1 00:00:00 0001", ""} {
		f.Add(strings.TrimSuffix(s, "\x00"))
	}
	now := made.Add(day)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := clamd.ParseVersion(s, time.UTC)
		age, unknown := got.Age(now)
		if err != nil {
			require.Error(t, unknown)
			require.Zero(t, got)
			return
		}
		require.True(t, strings.HasPrefix(s, "ClamAV "+got.Engine))
		if unknown != nil {
			require.Zero(t, age)
			return
		}
		require.GreaterOrEqual(t, age, time.Duration(0))
		require.NotZero(t, got.Daily)
		again, err := clamd.ParseVersion("ClamAV "+got.Engine+"/1/"+got.Made.Format(time.ANSIC), time.UTC)
		require.NoError(t, err)
		require.Equal(t, got.Made.Truncate(time.Second), again.Made)
	})
}
