package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// job handles one item: one session's mail.
type job struct {
	*Loop
	session string
	address string // of the recipient, once it is known
	log     *slog.Logger
}

// run does the mail's steps. again is when to come back; 0: never, because the mail is final. An
// error is of the store or of Chat Server, and is retried without limit.
func (j *job) run(ctx context.Context) (again time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("a mail's step panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	crashPoint("taken")
	r, err := j.load(ctx)
	if err != nil {
		return 0, err
	}
	if r.State.Final() {
		return 0, j.audit(r)
	}
	if wait := r.Next.Sub(j.cfg.Now()); wait > 0 {
		// It was returned too early: the engine was restarted.
		return min(wait, j.cfg.MaxDelay), nil
	}
	if r.State == Sending && j.cfg.Unclear == Drop {
		return 0, j.end(ctx, r, Unclear, bridge.CodeTimeout)
	}
	m, state, code, err := j.compose(ctx, r)
	if err != nil {
		return 0, err
	}
	if state != "" {
		return 0, j.end(ctx, r, state, code)
	}
	crashPoint("composed")
	return j.send(ctx, r, m)
}

// load returns the record, which it creates for a new item.
func (j *job) load(ctx context.Context) (Record, error) {
	for {
		r, ok, err := j.store.record(ctx, j.session)
		if ok || err != nil {
			return r, err
		}
		r = Record{
			Session: j.session, State: Waiting, Created: j.cfg.Now().UTC().Truncate(time.Second),
			MessageID: strings.ToLower(rand.Text()) + "@" + j.cfg.domain(),
		}
		r, err = j.store.put(ctx, r)
		if !errors.Is(err, errChanged) {
			crashPoint("created")
			return r, err
		}
	}
}

// compose writes the mail. If there is none to send, it returns the final state and its reason.
func (j *job) compose(ctx context.Context, r Record) (m Message, state State, code bridge.Code, err error) {
	c, err := read(ctx, j.cfg.Chat, j.session, *j.cfg.Texts, j.cfg.RecipientKey)
	if err != nil {
		return m, "", "", fmt.Errorf("read the transcript: %w", err)
	}
	j.address = c.recipient
	if j.address == "" {
		j.address = j.cfg.Recipient
	}
	switch {
	case !c.found:
		return m, Skipped, bridge.CodeTranscript, nil
	case c.ended.Before(j.store.since.Truncate(time.Second)), j.address == "", !c.spoken:
		return m, Skipped, "", nil
	case CheckAddress(j.address) != nil:
		return m, Failed, bridge.CodeMailAddress, nil
	case j.cfg.Now().Sub(c.ended) > j.cfg.Late:
		return m, Failed, bridge.CodeTimeout, nil
	}
	admitted, err := j.store.admit(ctx, r.Created, j.address, j.session, j.cfg.PerAddress)
	if err != nil {
		return m, "", "", err
	}
	if !admitted {
		return m, Failed, bridge.CodeBusy, nil
	}
	m, err = c.message(r, j.address)
	return m, "", "", err
}

// send sends the mail once.
func (j *job) send(ctx context.Context, r Record, m Message) (again time.Duration, err error) {
	err = j.cfg.Sender.Send(ctx, m, func() error {
		sending := r
		sending.State = Sending
		written, err := j.store.put(ctx, sending)
		if err == nil {
			r = written
		}
		crashPoint("sending")
		return err
	})
	var failed *Failure
	switch {
	case err == nil:
		crashPoint("sent")
		return 0, j.end(ctx, r, Sent, "")
	case errors.Is(err, errChanged):
		return 0, nil // another proxy has it
	case !errors.As(err, &failed):
		return 0, err
	}
	return j.failed(ctx, r, failed)
}

// failed records a try that failed. When the loop is closing, that must be recorded too: a mail
// in state sending would be unclear.
func (j *job) failed(ctx context.Context, r Record, f *Failure) (again time.Duration, err error) {
	ctx, cancel := j.lasting(ctx)
	defer cancel()
	r.Status = f.Status
	r.Tries++
	again = j.backOff(r.Tries)
	tried := []any{"phase", f.Phase, "tries", r.Tries, "error", reason(f.Err, j.address)}
	if f.Status != 0 {
		tried = append(tried, "status", f.Status)
	}
	final := func(state State, code bridge.Code) (time.Duration, error) {
		j.log.Warn("a mail was not sent", tried...)
		return 0, j.end(ctx, r, state, code)
	}
	switch {
	case f.Unclear() && j.cfg.Unclear == Drop:
		return final(Unclear, bridge.CodeTimeout)
	case f.Permanent():
		return final(Failed, bridge.CodeForbidden)
	case r.Tries >= j.cfg.Tries:
		return final(Failed, bridge.CodeOffline)
	case !f.Unclear():
		r.State = Waiting
	}
	j.log.Warn("a mail could not be sent yet", append(tried, "retry", again.Round(time.Second), "hint", retryHint(f))...)
	r.Next = j.cfg.Now().Add(again)
	_, err = j.store.put(ctx, r)
	if errors.Is(err, errChanged) {
		return 0, nil // another proxy has it
	}
	crashPoint("failed")
	return again, err
}

// retryHint says what an operator can do about a try that failed.
func retryHint(f *Failure) string {
	if f.Status == 0 {
		return "check that the mail server is running and can be reached, and its encryption"
	}
	return "look up the mail server's reply; nothing else needs to be done, because the mail is tried again"
}

// How long it may take to record what a try has shown: a cluster elects a leader in ten seconds,
// and a loop that is closing does not wait for that.
const (
	recordTime  = 15 * time.Second
	closingTime = 2 * time.Second
)

// lasting returns a context that outlives ctx, for recordTime, and the loop, for closingTime.
func (j *job) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	stop := context.AfterFunc(j.working, func() { time.AfterFunc(closingTime, cancel) })
	return ctx, func() { stop(); cancel() }
}

// end writes a final record. A mail that was sent is sent, whatever another proxy took it for.
func (j *job) end(ctx context.Context, r Record, state State, code bridge.Code) error {
	ctx, cancel := j.lasting(ctx)
	defer cancel()
	for {
		r.State, r.Code, r.Next = state, code, time.Time{}
		written, err := j.store.put(ctx, r)
		if err == nil {
			crashPoint("ended")
			j.log.Info("mail ended", "state", state, "code", code, "tries", r.Tries)
			j.cfg.OnEnd(written)
			return j.audit(written)
		}
		if !errors.Is(err, errChanged) {
			return err
		}
		if state != Sent {
			return nil // another proxy has it
		}
		other, _, err := j.store.record(ctx, j.session)
		if err != nil || other.State == Sent {
			return err
		}
		r.Revision = other.Revision
	}
}

// audit writes the end's line; an item that is delivered again is written again.
func (j *job) audit(r Record) error {
	if j.cfg.Audit == nil {
		return nil
	}
	code := r.Code
	if r.State == Skipped && code == "" {
		return nil // nothing was done
	}
	return j.cfg.Audit.Write(proxy.AuditRecord{Time: r.Changed, Action: proxy.ActionMail, Session: r.Session, Code: code, Tries: r.Tries})
}
