package upstream_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"attache/proxy/gms"
)

// gmsDouble is a GMS as far as its customers see it. It assumes, beside what docs/systems.md
// calls documented or seen:
//
//  1. Requesting a chat is not idempotent, and neither is sending, uploading or downloading.
//  2. The customer's participantId is that of the first Client who joined.
//  3. transcriptPosition n asks for messages with an index of n or more; with exclusive, of more
//     than n. 0 and none ask for nothing.
//  4. Any answer may have a new alias and secure key, and the old ones are refused after it; with
//     renewing, every third one of the first maxRenewals has.
//  5. An upload's notice has file-id, file-name and file-size, and the userData that was sent;
//     with forgetful, only the file-* keys of it. file-document-id is there with showing only.
//  6. A download is charged when it begins, whatever becomes of its answer.
//  7. A refusal by a limit is statusCode 1 with 201 to 203; one of a chat that is over is
//     statusCode 2 with chatEnded.
//  8. A request whose answer is lost was done before, or never: loses says which.
type gmsDouble struct {
	*httptest.Server
	t *testing.T

	exclusive, renewing, forgetful, showing bool

	mu       sync.Mutex
	chats    map[string]*doubleChat
	requests map[string]int // by operation
	faults   map[string][]doubleFault
	skew     time.Duration
	maxFiles int
	attempts int
}

type doubleChat struct {
	id, user, key, alias string
	renewals             int
	messages             []gms.Message
	live                 []gms.Message
	files                map[string][]byte
	downloads            int
	ended                bool
}

// maxRenewals ends the new identities: on a slow machine the polls beside an upload would bring
// one during each try of it, and each would be refused.
const maxRenewals = 30

// doubleFault is what becomes of one request.
type doubleFault struct {
	done   bool                                     // it is done before
	answer func(http.ResponseWriter, *http.Request) // instead of the answer
}

func newDouble(t *testing.T, change ...func(*gmsDouble)) *gmsDouble {
	d := &gmsDouble{
		t: t, chats: map[string]*doubleChat{}, requests: map[string]int{}, faults: map[string][]doubleFault{}, maxFiles: 5, attempts: 5,
	}
	for _, c := range change {
		c(d)
	}
	d.Server = httptest.NewServer(d)
	t.Cleanup(func() { d.CloseClientConnections(); d.Close() })
	return d
}

// lost cuts the connection.
func lost(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// htmlPage answers as a reverse proxy does whose upstream is away.
func htmlPage(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		io.WriteString(w, "<html><h1>Bad Gateway</h1></html>")
	}
}

func envelope(r gms.Reply) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(r) }
}

// fail decides what becomes of the next requests of an operation.
func (d *gmsDouble) fail(operation string, faults ...doubleFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[operation] = append(d.faults[operation], faults...)
}

func (d *gmsDouble) count(operation string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests[operation]
}

// chat returns the only chat.
func (d *gmsDouble) chat() *doubleChat {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.chats {
		return c
	}
	return nil
}

func (d *gmsDouble) numberOfChats() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.chats)
}

// sent returns the stored messages of a type.
func (d *gmsDouble) sent(kind gms.MessageType) (all []gms.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.chats {
		for _, m := range c.messages {
			if m.Type == kind {
				all = append(all, m)
			}
		}
	}
	return all
}

var (
	customer = gms.From{Nickname: "Ann", ParticipantID: 1, Type: "Client"}
	agent    = gms.From{Nickname: "Alice", ParticipantID: 2, Type: "Agent"}
)

// says adds a message of a party to the only chat.
func (d *gmsDouble) says(from gms.From, m gms.Message) {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	m.From = from
	d.add(c, m)
}

// shows adds a message without an index.
func (d *gmsDouble) shows(from gms.From, m gms.Message) {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	m.From, m.UTCTime = from, d.now()
	c.live = append(c.live, m)
}

// uploads adds a file of the agent's, as a desktop does.
func (d *gmsDouble) uploads(name string, content []byte) (fileID string) {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.store(c, agent, name, content, nil)
}

func (d *gmsDouble) end() {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	c.ended = true
}

func (d *gmsDouble) now() int64 { return time.Now().Add(d.skew).UnixMilli() }

// add gives a message an index, with a gap before it: hidden entries use up indexes too.
func (d *gmsDouble) add(c *doubleChat, m gms.Message) {
	index := int64(1)
	if n := len(c.messages); n > 0 {
		index = *c.messages[n-1].Index + 1 + int64(n%2)
	}
	m.Index, m.UTCTime = &index, d.now()
	c.messages = append(c.messages, m)
}

// downloads is how many downloads the chat was charged.
func (d *gmsDouble) downloads() int {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.downloads
}

// content is that of a file of the chat.
func (d *gmsDouble) content(fileID string) []byte {
	c := d.chat()
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.files[fileID]
}

func (d *gmsDouble) store(c *doubleChat, from gms.From, name string, content []byte, userData map[string]string) string {
	id := "file-" + strconv.Itoa(len(c.files)+1)
	c.files[id] = content
	data := map[string]string{}
	for key, value := range userData {
		if !d.forgetful || strings.HasPrefix(key, "file-") {
			data[key] = value
		}
	}
	maps.Copy(data, map[string]string{"file-id": id, "file-name": name, "file-size": strconv.Itoa(len(content))})
	if d.showing {
		data["file-document-id"], data["file-source"] = "0000AaBCDEFG0001", "ucs"
	}
	d.add(c, gms.Message{From: from, Type: gms.FileUploaded, UserData: data})
	return id
}

func (d *gmsDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/genesys/2/chat/support"), "/")[1:]
	operation, chatID, fileID := "request", "", ""
	if len(parts) > 1 {
		chatID, operation = parts[0], parts[len(parts)-1]
	}
	if len(parts) == 4 {
		fileID = parts[2]
	}
	if operation == "file" {
		operation = "upload"
	}
	d.mu.Lock()
	d.requests[operation]++
	var fault doubleFault
	if waiting := d.faults[operation]; len(waiting) > 0 {
		fault, d.faults[operation] = waiting[0], waiting[1:]
	}
	d.mu.Unlock()
	if fault.answer != nil && !fault.done {
		io.Copy(io.Discard, r.Body)
		fault.answer(w, r)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	var upload []byte
	var name string
	if operation == "upload" {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f, h, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		name = h.Filename
		upload, _ = io.ReadAll(f)
		f.Close()
		r.MultipartForm.RemoveAll()
	} else {
		r.ParseForm()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	reply, content := d.do(operation, chatID, fileID, name, upload, r)
	switch {
	case fault.answer != nil:
		fault.answer(w, r)
	case content != nil && reply.StatusCode == gms.StatusOK:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(content)
	default:
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		json.NewEncoder(w).Encode(reply)
	}
}

func refusal(status, code int, ended bool) gms.Reply {
	return gms.Reply{StatusCode: status, ChatEnded: ended, Errors: []gms.Fault{{Code: code, Advice: "no. referenceId[1]"}}}
}

func (d *gmsDouble) do(operation, chatID, fileID, name string, upload []byte, r *http.Request) (gms.Reply, []byte) {
	form := r.PostForm
	if r.MultipartForm != nil {
		form = r.MultipartForm.Value
	}
	get := func(key string) string {
		if v := form[key]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	userData := map[string]string{}
	for key, values := range form {
		if k, ok := strings.CutPrefix(key, "userData["); ok {
			userData[strings.TrimSuffix(k, "]")] = values[0]
		}
	}
	if operation == "request" {
		if get("nickname") == "" {
			return refusal(gms.StatusRetry, gms.NoName, false), nil
		}
		n := strconv.Itoa(len(d.chats) + 1)
		c := &doubleChat{id: "chat" + n, user: "user" + n, key: "key" + n, alias: "1", files: map[string][]byte{}}
		d.chats[c.id] = c
		who := customer
		who.Nickname = get("nickname")
		d.add(c, gms.Message{From: who, Type: gms.ParticipantJoined, UserData: userData})
		r := d.reply(c, 0)
		r.Messages = append(r.Messages, c.messages...)
		return r, nil
	}
	c := d.chats[chatID]
	switch {
	case c == nil:
		return refusal(gms.StatusFailed, gms.SessionNotFound, true), nil
	case c.ended:
		return refusal(gms.StatusFailed, gms.CannotExecute, true), nil
	case get("userId") != c.user || get("secureKey") != c.key || get("alias") != c.alias:
		return refusal(gms.StatusFailed, gms.NotAuthorized, false), nil
	}
	from, _ := strconv.ParseInt(get("transcriptPosition"), 10, 64)
	who := customer
	switch operation {
	case "send":
		d.add(c, gms.Message{From: who, Type: gms.Text, Text: get("message"), MessageType: get("messageType")})
	case "startTyping", "stopTyping", "refresh":
	case "readReceipt":
		from = 0
	case "pushUrl":
		d.add(c, gms.Message{From: who, Type: gms.PushURL, Text: get("pushUrl")})
	case "updateNickname":
		who.Nickname = get("nickname")
		d.add(c, gms.Message{From: who, Type: gms.NicknameUpdated, Text: get("nickname")})
	case "updateData": // it leaves no message
	case "customNotice":
		d.add(c, gms.Message{From: who, Type: gms.CustomNotice, Text: get("message"), UserData: userData})
	case "disconnect":
		d.add(c, gms.Message{From: who, Type: gms.ParticipantLeft})
		c.ended = true
		r := d.reply(c, 0)
		r.ChatEnded = true
		return r, nil
	case "limits":
		r := d.reply(c, 0)
		r.Messages = []gms.Message{{From: who, Type: gms.Notice, Text: "file-client-cfg-get", UTCTime: d.now(), UserData: map[string]string{
			"download-attempts": strconv.Itoa(d.attempts), "used-download-attempts": strconv.Itoa(c.downloads),
			"upload-max-files": strconv.Itoa(d.maxFiles), "used-upload-max-files": strconv.Itoa(d.used(c)),
			"upload-max-file-size": "10485760", "upload-max-total-size": "99614720", "used-upload-max-total-size": "0",
			"upload-need-agent": "false", "upload-file-types": "jpeg:jpg:pdf:png:zip", "delete-file": "odd",
		}}}
		return r, nil
	case "upload":
		if d.used(c) >= d.maxFiles {
			return refusal(gms.StatusRetry, gms.TooManyFiles, false), nil
		}
		id := d.store(c, who, name, upload, userData)
		r := d.reply(c, 0)
		r.UserData = map[string]string{"file-id": id}
		return r, nil
	case "download":
		content, ok := c.files[fileID]
		if !ok || c.downloads >= d.attempts {
			return refusal(gms.StatusRetry, 299, false), nil
		}
		c.downloads++
		return gms.Reply{}, append([]byte{}, content...)
	case "delete":
		delete(c.files, fileID)
		d.add(c, gms.Message{From: who, Type: gms.FileDeleted, UserData: map[string]string{"file-id": fileID}})
	default:
		return refusal(gms.StatusFailed, gms.CannotExecute, false), nil
	}
	return d.reply(c, from), nil
}

// used is how many files the customer has sent.
func (d *gmsDouble) used(c *doubleChat) (n int) {
	for _, m := range c.messages {
		if m.Type == gms.FileUploaded && m.From.Type == "Client" {
			n++
		}
	}
	return n
}

func (d *gmsDouble) reply(c *doubleChat, from int64) gms.Reply {
	if d.renewing {
		if c.renewals++; c.renewals%3 == 0 && c.renewals <= maxRenewals {
			c.alias, c.key = strconv.Itoa(c.renewals), fmt.Sprint("key", c.renewals)
		}
	}
	r := gms.Reply{Alias: c.alias, ChatID: c.id, UserID: c.user, SecureKey: c.key, ChatEnded: c.ended}
	for _, m := range c.messages {
		r.NextPosition = *m.Index + 1
		if from > 0 && (*m.Index > from || *m.Index == from && !d.exclusive) {
			r.Messages = append(r.Messages, m)
		}
	}
	if from > 0 {
		r.Messages = append(r.Messages, c.live...)
		c.live = nil
	}
	return r
}
