package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"attache/bridge"
	"attache/proxy/engine"
	"attache/proxy/gms"
)

// maxReply bounds an envelope, in bytes.
const maxReply = 8 << 20

// path returns that of an operation of a chat; without a chat, that of requesting one.
func (c *Client) path(ch chat, operation ...string) string {
	parts := append([]string{c.cfg.Service}, operation...)
	if len(operation) > 0 {
		parts = append([]string{c.cfg.Service, ch.ChatID}, operation...)
	}
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return c.base.String() + gms.Path + "2/chat/" + strings.Join(parts, "/")
}

// identity adds that of the customer to a form.
func (ch chat) identity(form url.Values) url.Values {
	all := url.Values{"userId": {ch.GMSUser}, "secureKey": {ch.SecureKey}, "alias": {ch.Alias}}
	for key, values := range form {
		all[key] = values
	}
	return all
}

// call makes a request of the chat, once, and takes over what the answer says of the identity.
// Its error is a *failure. A request that was refused because another one's answer had brought a
// new secure key or alias meanwhile was not done, and is made again.
func (c *Client) call(ctx context.Context, session string, ch chat, form url.Values, operation ...string) (gms.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTime)
	defer cancel()
	for {
		r, err := c.post(ctx, c.path(ch, operation...), ch.identity(form))
		if err == nil {
			return r, c.follow(context.WithoutCancel(ctx), session, ch, r)
		}
		renewed, ok := c.renewed(ctx, session, ch, err)
		if !ok {
			return r, err
		}
		ch = renewed
	}
}

// renewTime is how long the answer that brought another identity may take to be stored.
const renewTime = 3 * time.Second

// renewed returns the chat with its later identity, if the failure may be because of the one that
// was used.
func (c *Client) renewed(ctx context.Context, session string, used chat, err error) (chat, bool) {
	f := asFailure(err)
	if f == nil || f.reason.Code != bridge.CodeSecureKey {
		return used, false
	}
	for until := time.Now().Add(renewTime); time.Now().Before(until); {
		ch, _, err := c.load(ctx, session)
		if err == nil && ch.State == open && (ch.SecureKey != used.SecureKey || ch.Alias != used.Alias) {
			return ch, true
		}
		if engine.Pause(ctx, renewTime/100) != nil {
			break
		}
	}
	return used, false
}

func (c *Client) post(ctx context.Context, address string, form url.Values) (gms.Reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return gms.Reply{}, undone(bridge.CodeInternal, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.envelope(req, false)
}

// envelope sends a request and reads the envelope of its answer.
func (c *Client) envelope(req *http.Request, upload bool) (gms.Reply, error) {
	res, err := c.send(req)
	if err != nil {
		return gms.Reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil || len(body) > maxReply {
		return gms.Reply{}, unclear(away(req.Context()), fmt.Errorf("read the answer of GMS: %w", errors.Join(err, tooLong(len(body)))))
	}
	r, ok := decode(body)
	if !ok {
		return gms.Reply{}, answered(res.StatusCode, upload)
	}
	if r.StatusCode != gms.StatusOK {
		return r, c.cfg.Unknowns.refused(r)
	}
	return r, nil
}

func tooLong(n int) error {
	if n > maxReply {
		return errors.New("it is longer than " + strconv.Itoa(maxReply) + " bytes")
	}
	return nil
}

// send sends a request. A connection that was never made is no unclear outcome.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	if c.cfg.APIKey != "" {
		req.Header.Set("apikey", c.cfg.APIKey)
	}
	res, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err == nil {
		return res, nil
	}
	err = withoutURL(err)
	if !connected.Load() {
		return nil, undone(away(req.Context()), err)
	}
	return nil, unclear(away(req.Context()), err)
}

// withoutURL leaves out the address, which names the chat.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// away is the code of a request that was not answered.
func away(ctx context.Context) bridge.Code {
	if ctx.Err() != nil {
		return bridge.CodeTimeout
	}
	return bridge.CodeChatUnavailable
}

// decode reads an envelope; false if the body is none. It is liberal, because captures differ:
// numbers may be strings, and values of userData anything.
func decode(body []byte) (r gms.Reply, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var top map[string]any
	if d.Decode(&top) != nil {
		return r, false
	}
	if _, has := top["statusCode"]; !has {
		return r, false
	}
	texts(top, "alias", "chatId", "userId", "secureKey")
	numbers(top, "statusCode", "nextPosition", "idleTimerExpire")
	plain(top, "userData")
	messages, _ := top["messages"].([]any)
	for _, m := range messages {
		if m, ok := m.(map[string]any); ok {
			texts(m, "text", "messageType")
			numbers(m, "index", "utcTime")
			plain(m, "userData")
			if from, ok := m["from"].(map[string]any); ok {
				texts(from, "nickname", "type")
				numbers(from, "participantId")
			}
		}
	}
	faults, _ := top["errors"].([]any)
	for _, f := range faults {
		if f, ok := f.(map[string]any); ok {
			texts(f, "advice", "message")
			numbers(f, "code")
		}
	}
	normal, err := json.Marshal(top)
	return r, err == nil && json.Unmarshal(normal, &r) == nil
}

// texts makes the members strings.
func texts(m map[string]any, keys ...string) {
	for _, key := range keys {
		if v, has := m[key]; has {
			if s, ok := text(v); ok {
				m[key] = s
			} else {
				delete(m, key)
			}
		}
	}
}

// text returns a scalar as text.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// numbers makes the members integers.
func numbers(m map[string]any, keys ...string) {
	for _, key := range keys {
		v, has := m[key]
		if !has {
			continue
		}
		s, _ := text(v)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			m[key] = n
		} else {
			delete(m, key)
		}
	}
}

// plain makes a member a collection of strings.
func plain(m map[string]any, key string) {
	v, has := m[key]
	if !has {
		return
	}
	all, ok := v.(map[string]any)
	if !ok {
		delete(m, key)
		return
	}
	for k, v := range all {
		if s, ok := text(v); ok {
			all[k] = s
		} else {
			delete(all, k)
		}
	}
}
