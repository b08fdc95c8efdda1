package mail_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/mail"
)

// Variables that make this test binary a proxy's mails on a data directory.
const (
	killedDir    = "ATTACHE_TEST_MAIL_DIR"
	killedServer = "ATTACHE_TEST_MAIL_SERVER"
	killedPolicy = "ATTACHE_TEST_MAIL_POLICY"
	killedAt     = "ATTACHE_TEST_MAIL_KILLED_AT" // a crash point; empty: it ends by itself once the mail is final
)

// killedHere is the process of a test, if it is one.
func killedHere() {
	if os.Getenv(killedDir) == "" {
		return
	}
	if err := sendOne(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// sendOne ends a session, if it has not ended yet, and waits until its mail is final.
func sendOne(ctx context.Context) error {
	if at := os.Getenv(killedAt); at != "" {
		mail.OnCrashPoint(func(name string) {
			if name == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		})
	}
	e, err := engine.Start(ctx, engine.Options{Dir: os.Getenv(killedDir)})
	if err != nil {
		return err
	}
	c, err := chat.Open(ctx, e, chat.Options{})
	if err != nil {
		return err
	}
	sender, err := mail.NewSMTP(mail.SMTPOptions{Server: os.Getenv(killedServer), TLS: mail.NoTLS, From: "support@example.com"})
	if err != nil {
		return err
	}
	ended := make(chan mail.Record, 1)
	l, err := mail.Start(ctx, e, mail.Options{
		Chat: c, Sender: sender, From: "support@example.com", Recipient: address, Unclear: mail.UnclearPolicy(os.Getenv(killedPolicy)),
		Lease: brief, Delay: time.Millisecond, MaxDelay: time.Millisecond, OnEnd: func(r mail.Record) { ended <- r },
	})
	if err != nil {
		return err
	}
	_, err = c.Join(ctx, "s1", proxy.Joining{Party: bridge.Party{UserID: "bob", Nickname: "Bob", UserType: bridge.Agent}})
	if err == nil {
		if _, err = c.Post(ctx, "s1", "bob", bridge.Event{Type: bridge.Message, Text: "hello", Visibility: bridge.All}); err != nil {
			return err
		}
		if err := c.Leave(ctx, "s1", "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}); err != nil {
			return err
		}
	} else if bridge.CodeOf(err) != bridge.CodeSessionEnded {
		return err
	}
	if r, ok, err := l.Record(ctx, "s1"); err == nil && ok && r.State.Final() {
		fmt.Println(r.State)
		return nil
	}
	fmt.Println((<-ended).State)
	return nil
}

// The process is killed at each step, and another one takes over its directory.
func TestB22MailIsSentOnceAlthoughItsProcessDies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at           string
		drop, repeat int // mails that arrive
	}{
		{"queued", 1, 1},
		{"taken", 1, 1},
		{"created", 1, 1},
		{"composed", 1, 1},
		{"failed", 1, 1}, // after a first try that the server refused for now
		{"sending", 0, 1},
		{"data", 0, 1},
		{"written", 0, 1},
		{"taken by the server", 1, 2},
		{"sent", 1, 2},
		{"ended", 1, 1},
	} {
		for policy, want := range map[mail.UnclearPolicy]int{mail.Drop: c.drop, mail.Repeat: c.repeat} {
			if policy == mail.Repeat && c.drop == 1 && c.repeat == 1 {
				continue // the state sending was not there to be found
			}
			t.Run(c.at+", "+string(policy), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				if c.at == "failed" {
					s.fail(func(p phase, connection int) string {
						if p == rcpt && connection == 1 {
							return "451 not now"
						}
						return ""
					})
				}
				dir := t.TempDir()
				run := func(at string) (string, error) {
					cmd := exec.CommandContext(t.Context(), os.Args[0])
					cmd.Env = append(os.Environ(), killedDir+"="+dir, killedServer+"="+s.l.Addr().String(), killedPolicy+"="+string(policy), killedAt+"="+at)
					out, err := cmd.CombinedOutput()
					return strings.TrimSpace(string(out)), err
				}
				out, err := run(c.at)
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, "%s", out)
				require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s", out)
				out, err = run("")
				require.NoError(t, err, "%s", out)
				taken := s.taken()
				require.Len(t, taken, want)
				for _, m := range taken {
					require.Equal(t, taken[0].id, m.id)
				}
				state := mail.Sent
				if policy == mail.Drop && (c.drop != c.repeat) {
					state = mail.Unclear
				}
				require.Equal(t, string(state), out)
			})
		}
	}
}
