package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/chatrequest"
	"attache/proxy/gms"
)

// gmsSite is another site with a customer's page for the vendor's GMS, and a proxy that serves it.
type gmsSite struct {
	t       *testing.T
	command *command
	origin  string
	agents  *host
	admin   string
}

func startGMSSite(t *testing.T, flags ...string) *gmsSite {
	t.Helper()
	files := http.NewServeMux()
	files.Handle("GET /{$}", static("text/html", `<!doctype html><title>A customer’s page</title><link rel=icon href=data:,><script type="module" src="gmscustomer.js"></script>`))
	files.HandleFunc("GET /gmscustomer.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/gmscustomer.js") })
	files.Handle("GET /cometd/", http.StripPrefix("/cometd/", http.FileServer(http.Dir("../../web/node_modules/cometd"))))
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	s := &gmsSite{t: t, origin: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), agents: startHost(t)}
	s.command = startCommand(t, "serve", append([]string{
		"--admin", "127.0.0.1:0", "--scanner", "off", "--token-secret", secret,
		"--origin", s.origin, "--origin", s.agents.origin(), "--gms", "--gms-cometd",
	}, flags...)...)
	s.agents.proxy = s.command.origin()
	s.admin = regexp.MustCompile(`admin on (http://\S+)`).FindStringSubmatch(s.command.log.String())[1]
	return s
}

// customer begins a chat by REST, or by that transport of CometD.
func (s *gmsSite) customer(t *testing.T, nickname, way string) (p *page, chat string) {
	t.Helper()
	p = newPage(t)
	p.open(s.origin)
	return p, ask[string](p, `async (...values) => (await e2e.until(() => window.start, 'the page'))(...values)`, s.command.origin(), nickname, way)
}

// agent opens the chat that waits, as an application does that reads the list of chats.
func (s *gmsSite) agent(t *testing.T, chat string) side {
	t.Helper()
	response, err := http.Get(s.admin + chatrequest.Path)
	require.NoError(t, err)
	defer response.Body.Close()
	var list struct{ Chats []chatrequest.Listed }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&list))
	require.Contains(t, fmt.Sprint(list.Chats), chat)
	p := newPage(t)
	p.open(s.agents.origin() + "/bare")
	tell(p, `async (url, token) => {
		await import(url + '/web/element.js');
		const element = document.createElement('attache-chat');
		Object.assign(element, { id: 'agent', url, token: async () => token });
		document.body.append(element);
		await e2e.connected('agent');
	}`, s.command.origin(), mint(t, "--session", chat, "--user", "ada", "--nickname", "Ada"))
	return side{p, "agent"}
}

// uploaded is what XMLHttpRequest shows of an upload.
type uploaded struct {
	Status int
	Sent   int64
	Body   gms.Reply
}

// The two flows of "File Transfer in Chat Solutions" between a customer's page on the vendor's
// interface and an agent at our widget.
func TestDocumentedFlowsOverGMS(t *testing.T) {
	t.Parallel()
	s := startGMSSite(t, "--upload-max-files", "2", "--upload-file-types", "png:txt:pdf")
	for _, way := range []string{"REST", "long-polling", "websocket"} {
		t.Run(way, func(t *testing.T) {
			customer, chat := s.customer(t, "Cy", way)
			agent := s.agent(t, chat)
			tell(customer, "customer.message", "ParticipantJoined", "Ada")
			tell(customer, "customer.say", "I do not understand this invoice.")
			agent.hears("I do not understand this invoice.")

			// Customer to agent. 1: the customer selects a file. 2: the page asks for the current
			// limits and types. 3: only if they are satisfied it sends the file; 3.1: permission,
			// 3.2: it is stored, 3.3: noticed.
			limits := ask[map[string]string](customer, "customer.limits")
			require.Equal(t, []string{"2", "0", "png:txt:pdf"}, []string{limits["upload-max-files"], limits["used-upload-max-files"], limits["upload-file-types"]})
			refused := ask[uploaded](customer, "customer.zeros", "tool.exe", 10)
			require.Equal(t, []int{200, gms.StatusRetry, gms.TypeRefused}, []int{refused.Status, refused.Body.StatusCode, refused.Body.Errors[0].Code})
			invoice := generated(t, "Rechnung für März.pdf", pdfFile())
			customer.choose("e2e.input", invoice.path)
			sent := ask[uploaded](customer, "customer.upload")
			require.Equal(t, gms.StatusOK, sent.Body.StatusCode, sent.Body.Errors)
			// 4: the page shows its own file as an icon.
			own := ask[gms.Message](customer, "customer.message", gms.FileUploaded, "Rechnung für März.pdf")
			require.Equal(t, sent.Body.UserData["file-id"], own.UserData["file-id"])
			require.Equal(t, "Client", own.From.Type)
			// 5: the agent opens it.
			shown := agent.file("Rechnung für März.pdf")
			require.True(t, shown.Drawn && !shown.Own, shown)
			require.Equal(t, "as asked", shown.Description)
			require.Equal(t, invoice.digest, agent.save("Rechnung für März.pdf").digest(t))

			// Agent to customer. 1: the agent selects a file and clicks Send; it is stored, and noticed.
			agent.say("It is explained here.")
			manual := generated(t, "how to read it.png", pngFile(t))
			agent.give(manual.path)
			require.True(t, agent.file("how to read it.png").Own)
			// 2: the page shows it as an icon.
			tell(customer, "customer.message", "Message", "It is explained here.")
			given := ask[gms.Message](customer, "customer.message", gms.FileUploaded, "how to read it.png")
			require.Equal(t, []string{"Agent", "Ada"}, []string{given.From.Type, given.From.Nickname})
			// 3: the customer asks for it; 3.1: one of a limited number of attempts; 3.2: the bytes.
			type download struct {
				Status int
				Digest string
			}
			for range 2 {
				require.Equal(t, download{200, manual.digest}, ask[download](customer, "customer.download", given.UserData["file-id"]))
			}
			require.Equal(t, "2", ask[map[string]string](customer, "customer.limits")["used-download-attempts"])
			customer.expect("status of 403")
			require.Equal(t, download{Status: 403}, ask[download](customer, "customer.download", given.UserData["file-id"]))

			tell(customer, "customer.leave")
			tell(agent.page, `() => e2e.until(() => e2e.root('agent').textContent.match(/Cy\W* left/), 'Cy to leave')`)
		})
	}
}

// Browsers show no answer while they have to send: a refusal of 64 MiB that is decided at the
// first bytes must arrive nevertheless, and as itself.
func TestT3RefusalsOf64MiBReachAPage(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	s := startGMSSite(t, "--upload-max-files", "1", "--upload-file-types", "bin", "--upload-max-file-size", fmt.Sprint(size), "--upload-max-total-size", fmt.Sprint(size))
	for _, way := range []string{"REST", "long-polling"} {
		t.Run(way, func(t *testing.T) {
			customer, _ := s.customer(t, "Cy", way)
			refused := func(code int, name string, size int64) {
				t.Helper()
				got := ask[uploaded](customer, "customer.zeros", name, size)
				require.Equal(t, []int{200, gms.StatusRetry}, []int{got.Status, got.Body.StatusCode}, "%+v", got)
				require.Equal(t, code, got.Body.Errors[0].Code, got.Body.Errors[0].Advice)
				require.Greater(t, got.Sent, size, "all of it was sent, with the form around it")
			}
			refused(gms.TypeRefused, "film.mp4", size)
			refused(gms.TotalTooLarge, "film.bin", size+512<<10)
			got := ask[uploaded](customer, "customer.zeros", "film.bin", size)
			require.Equal(t, []int{200, gms.StatusOK}, []int{got.Status, got.Body.StatusCode}, "%+v", got)
			refused(gms.TooManyFiles, "second.bin", size)
			tell(customer, "customer.leave")
		})
	}
}
