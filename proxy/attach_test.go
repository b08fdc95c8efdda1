package proxy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/limits"

	"github.com/stretchr/testify/require"
)

// responses makes a directory with files, and the change that makes it a world's library.
func responses(t *testing.T, files map[string]string) (dir string, change func(*assembly.Options)) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir, func(o *assembly.Options) { o.Responses = dir }
}

// find returns what a page finds; it waits until the library has read its directory.
func (p *page) find(words string) bridge.Response {
	p.t.Helper()
	for ref := int64(1000); ; ref++ {
		p.send(&bridge.Find{Ref: ref, Words: words})
		found := await(p, func(m *bridge.Found) bool { return m.Ref == ref })
		if len(found.Responses) > 0 {
			return found.Responses[0]
		}
	}
}

func attach(documentID string) *bridge.Notify {
	return &bridge.Notify{
		Ref: 5, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.FileUploaded,
		Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, documentID)},
	}
}

// A page of the library that is longer than a message is cut, and the page asks for more.
func TestFind_LongEntriesFitIntoAMessage(t *testing.T) {
	t.Parallel()
	files, index := map[string]string{}, []string{}
	for i := range 40 {
		name := fmt.Sprintf("%02d.txt", i)
		files[name] = name
		index = append(index, fmt.Sprintf(`{"file": %q, "folder": %q, "description": %q}`, name, strings.Repeat(`"&<>`, 60), strings.Repeat(`"x`, 250)))
	}
	files["index.json"] = "[" + strings.Join(index, ",") + "]"
	_, library := responses(t, files)
	w := newWorldWith(t, library)
	agent, _ := w.join(w.agent)
	agent.find("39") // all have been read
	seen := map[string]bool{}
	for ref, after, more := int64(1), "", true; more; ref++ {
		agent.send(&bridge.Find{Ref: ref, After: after})
		found := await(agent, func(m *bridge.Found) bool { return m.Ref == ref })
		require.NotEmpty(t, found.Responses)
		for _, r := range found.Responses {
			require.False(t, seen[r.Name], r.Name)
			seen[r.Name], after = true, r.DocumentID
		}
		more = found.More
	}
	require.Len(t, seen, 40)
}

const welcome = "Welcome to the bank."

func TestAttach_AStandardResponseIsAnnouncedWithoutAnUpload(t *testing.T) {
	t.Parallel()
	_, library := responses(t, map[string]string{"greetings/welcome.txt": welcome, "terms.pdf": "terms"})
	w := newWorldWith(t, library)
	customer, _ := w.join(w.customer)
	agent, _ := w.join(w.agent)
	r := agent.find("WELCOME greet")
	require.Equal(t, "welcome.txt", r.Name)
	require.Equal(t, "greetings", r.Folder)
	require.EqualValues(t, len(welcome), r.Size)

	m := attach(r.DocumentID)
	m.Data = append(m.Data, bridge.Text(bridge.KeyDescription, "as promised"), bridge.Text("case", "17"))
	done, refused := agent.answer(m, 5)
	require.Nil(t, refused)
	file, err := bridge.DecodeFile(*done.Event)
	require.NoError(t, err)
	require.Equal(t, bridge.FromStandardResponse, file.UploadType)
	require.Equal(t, "as promised", file.Description)
	require.Equal(t, "17", file.Custom.Get("case"))
	require.Equal(t, bridge.SourceUCS, file.Source)

	seen := customer.announced(m.Key)
	body, _ := w.fetch(w.ticket(customer, seen.ID), nil, 200)
	require.Equal(t, welcome, string(body))

	again, _ := w.another().join(w.agent)
	repeated, refused := again.answer(m, 5)
	require.Nil(t, refused)
	require.Equal(t, done.Event, repeated.Event)
	require.Contains(t, w.acts("alice"), proxy.ActionAnnounced)
}

func TestAttach_OnlyStaffWithThePrivilegeMay(t *testing.T) {
	t.Parallel()
	_, library := responses(t, map[string]string{"welcome.txt": welcome})
	w := newWorldWith(t, library)
	agent, _ := w.join(w.agent)
	id := agent.find("").DocumentID
	door := w.door("boss", bridge.Supervisor)
	for name, who := range map[string]proxy.Identity{
		"a customer":                   {Session: "s1", Party: bridge.Party{UserID: "carol", UserType: bridge.Client}, Rights: bridge.AllRights},
		"an agent without privilege":   {Session: "s1", Party: bridge.Party{UserID: "alice", UserType: bridge.Agent}, Rights: bridge.Rights{bridge.RightUpload}},
		"an agent with visibility VIP": {Session: "s1", Party: bridge.Party{UserID: "alice", UserType: bridge.Agent}, Rights: bridge.AllRights},
	} {
		a := proxy.Attachment{Key: newKey(), DocumentID: id}
		if name == "an agent with visibility VIP" {
			a.Visibility = bridge.Vip
		} else {
			_, _, err := door.transfers.FindResponses(t.Context(), who, "", "")
			require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), name)
		}
		_, err := door.transfers.Attach(t.Context(), who, a)
		require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), name)
	}
	door.who.Rights = bridge.AllRights
	_, err := door.transfers.Attach(t.Context(), door.who, proxy.Attachment{Key: newKey(), DocumentID: id, Visibility: bridge.Internal})
	require.NoError(t, err)
}

// T15: a document id is not a right.
func TestT15AttachOfADocumentOfAnotherPartyIsRefused(t *testing.T) {
	t.Parallel()
	_, library := responses(t, map[string]string{"welcome.txt": welcome})
	w := newWorldWith(t, library)
	record, err := w.door("carol", bridge.Client).upload(newKey(), "passport.jpg", random(100))
	require.NoError(t, err)
	agent, _ := w.join(w.agent)
	for name, id := range map[string]string{
		"a customer's": record.DocumentID, "an unknown one": "2500aaaaaaaaaaaa", "what is not an id": "../x",
	} {
		_, refused := agent.answer(attach(id), 5)
		require.NotNil(t, refused, name)
		require.Equal(t, bridge.CodeDocument, refused.Code, name)
	}
}

func TestAttach_AnAgentSendsItsOwnFileIntoAnotherSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := random(1000)
	record, err := w.door("alice", bridge.Agent).upload(newKey(), "plan.pdf", content)
	require.NoError(t, err)
	other, _ := w.join(w.Token("s2", "alice", bridge.Agent, bridge.AllRights...))
	m := attach(record.DocumentID)
	done, refused := other.answer(m, 5)
	require.Nil(t, refused)
	file, err := bridge.DecodeFile(*done.Event)
	require.NoError(t, err)
	require.Equal(t, bridge.FromFileSystem, file.UploadType)
	links := w.Store
	require.NoError(t, links.Unlink(t.Context(), record.DocumentID, "s1"))
	body, _ := w.fetch(w.ticket(other, file.ID), nil, 200)
	require.Equal(t, content, body)
	require.NoError(t, links.Unlink(t.Context(), record.DocumentID, "s2"), "another link")
	require.NoError(t, links.Unlink(t.Context(), record.DocumentID, proxy.FileLink("s2", m.Key)))
	_, err = w.Store.Open(t.Context(), record.DocumentID)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
}

// A library document is in many sessions: the removal of one session's link leaves it.
func TestAttach_TheLibrarysDocumentSurvivesASessionsLink(t *testing.T) {
	t.Parallel()
	_, library := responses(t, map[string]string{"welcome.txt": welcome})
	w := newWorldWith(t, library)
	agent, _ := w.join(w.agent)
	id := agent.find("").DocumentID
	m := attach(id)
	_, refused := agent.answer(m, 5)
	require.Nil(t, refused)
	require.NoError(t, w.Store.Unlink(t.Context(), id, proxy.FileLink("s1", m.Key)))
	content, err := w.Store.Open(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, content.Close())
}

// Gap 11: a token may give a customer any right, but not a library.
func TestOffer_ACustomersStandardResponseIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	m := &bridge.Offer{Key: newKey(), Name: "a.pdf", Size: 1, UploadType: bridge.FromStandardResponse}
	customer.send(m)
	refused := await(customer, func(f *bridge.Fail) bool { return f.Key == m.Key })
	require.Equal(t, bridge.CodeForbidden, refused.Error.Code)
}

// bounded is a store that takes files up to a size.
type bounded struct{ proxy.Documents }

func (bounded) MaxSize() int64 { return proxy.MaxTheSize }

// Gap 9: TheSize is a 32-bit number, and a larger file is refused before its first byte.
func TestOffer_AFileLargerThanTheStoreTakesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) {
		c.AgentLimits, c.Documents = bridge.Unlimited, bounded{c.Documents}
	})
	agent, _ := w.join(w.agent)
	for _, size := range []int64{proxy.MaxTheSize + 1, 3 << 30} {
		m := &bridge.Offer{Key: newKey(), Name: "disk.img", Size: size}
		agent.send(m)
		refused := await(agent, func(f *bridge.Fail) bool { return f.Key == m.Key })
		require.Equal(t, bridge.CodeFileSize, refused.Error.Code)
	}
	m := &bridge.Offer{Key: newKey(), Name: "disk.img", Size: proxy.MaxTheSize}
	agent.offer(m)
	agent.send(&bridge.Cancel{Key: m.Key})
}

// An attached document counts as an upload does, and is refused with the same codes. What was
// refused holds no share of the limits, and what was attached is free when it is repeated.
func TestAttach_IsBoundByTheLimitsOfAgents(t *testing.T) {
	t.Parallel()
	_, library := responses(t, map[string]string{"a.txt": "12345", "b.txt": "12345", "c.pdf": "12345678"})
	base := limits.Standard()
	w := newWorldWith(t, func(o *assembly.Options) { library(o); o.Limits = &base })
	agent, _ := w.join(w.agent)
	agent.find("c.pdf")
	ids := map[string]string{}
	for _, name := range []string{"a.txt", "b.txt", "c.pdf"} {
		ids[name] = agent.find(name).DocumentID
	}
	refused := func(name string) bridge.Code {
		t.Helper()
		_, refused := agent.answer(attach(ids[name]), 5)
		require.NotNil(t, refused, name)
		return refused.Code
	}
	w.change("agent-max-files", "2", "agent-max-file-size", "7", "agent-max-total-size", "9")
	require.Equal(t, bridge.CodeFileSize, refused("c.pdf"))
	first := attach(ids["a.txt"])
	for range 2 {
		_, no := agent.answer(first, 5)
		require.Nil(t, no)
	}
	require.Equal(t, bridge.CodeTotalSize, refused("b.txt"))
	w.change("agent-max-file-size", "-1", "agent-max-total-size", "-1", "agent-file-types", "txt")
	require.Equal(t, bridge.CodeFileType, refused("c.pdf"))
	_, no := agent.answer(attach(ids["b.txt"]), 5)
	require.Nil(t, no, "the refused ones do not count")
	require.Equal(t, bridge.CodeFileCount, refused("a.txt"))
	require.Equal(t, bridge.CodeFileCount, agent.refusal(&bridge.Offer{Key: newKey(), Name: "d.txt", Size: 1}))
	w.change("agent-max-files", "0")
	require.Equal(t, bridge.CodeUploadsOff, refused("a.txt"))
	_, no = agent.answer(first, 5)
	require.Nil(t, no, "it is in the transcript")
}
