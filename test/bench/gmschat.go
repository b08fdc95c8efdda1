package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// gmsChat is a customer who uses GMS' Chat API.
type gmsChat struct {
	http    *http.Client
	address string // of the proxy
	latest  gmsReply
	next    int64
}

type gmsReply struct {
	StatusCode                       int
	ChatID, UserID, SecureKey, Alias string
	NextPosition                     int64
	Messages                         []struct {
		Index *int64
		Type  string
		Text  string
	}
	UserData map[string]string
	Errors   json.RawMessage
}

// gmsClient has a connection for each customer.
var gmsClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2000}, Timeout: 2 * time.Minute}

// requestChat begins a chat.
func requestChat(ctx context.Context, address string) (*gmsChat, error) {
	c := &gmsChat{http: gmsClient, address: address, next: 1}
	r, err := c.post(ctx, c.address+"/genesys/2/chat/bench", url.Values{"nickname": {"Ann"}})
	c.latest = r
	return c, err
}

func (c *gmsChat) identity() url.Values {
	return url.Values{"userId": {c.latest.UserID}, "secureKey": {c.latest.SecureKey}, "alias": {c.latest.Alias}}
}

func (c *gmsChat) path(operation string) string {
	return c.address + "/genesys/2/chat/bench/" + c.latest.ChatID + "/" + operation
}

// call makes a request of the chat.
func (c *gmsChat) call(ctx context.Context, operation string, form url.Values) (gmsReply, error) {
	all := c.identity()
	for key, values := range form {
		all[key] = values
	}
	return c.post(ctx, c.path(operation), all)
}

func (c *gmsChat) post(ctx context.Context, address string, form url.Values) (r gmsReply, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return r, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.http.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return r, err
	}
	return decodeReply(body)
}

func decodeReply(body []byte) (r gmsReply, err error) {
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("%w: %s", err, body)
	}
	if r.StatusCode != 0 {
		return r, fmt.Errorf("statusCode %d: %s", r.StatusCode, r.Errors)
	}
	return r, nil
}

// refresh asks what is new, and takes over the position.
func (c *gmsChat) refresh(ctx context.Context) (gmsReply, error) {
	r, err := c.call(ctx, "refresh", url.Values{"transcriptPosition": {strconv.FormatInt(c.next, 10)}})
	if err == nil {
		c.next = r.NextPosition
	}
	return r, err
}

// upload sends a file.
func (c *gmsChat) upload(ctx context.Context, path string, content []byte) (r gmsReply, took time.Duration, err error) {
	body, took, err := timedPost(ctx, c.path("file"), c.identity(), filepath.Base(path), content)
	if err == nil {
		r, err = decodeReply(body)
	}
	return r, took, err
}

// open begins a download.
func (c *gmsChat) open(ctx context.Context, fileID string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.path("file/"+fileID+"/download"), strings.NewReader(c.identity().Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		err = fmt.Errorf("download: %s", response.Status)
	}
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// download reads a file to its end.
func (c *gmsChat) download(ctx context.Context, fileID string, size int64) (time.Duration, error) {
	start := time.Now()
	body, err := c.open(ctx, fileID)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return drained(start, body, size)
}
