package cli

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
	"attache/web"
)

// pagePolicy is as strict as the policy of a page with a WebAssembly module can be. Not
// every browser lets 'self' cover the sockets of the page's own host.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"connect-src 'self' ws://%s; img-src 'self' data: blob:; media-src blob:; base-uri 'none'; form-action 'none'; " +
	"frame-src 'self'; frame-ancestors %s; require-trusted-types-for 'script'; trusted-types 'none'"

// restPath is the customer's page that uses nothing but GMS' Chat API; the demo shows it in a frame.
const restPath = "/web/demo/rest.html"

func serveRest(w http.ResponseWriter, r *http.Request) {
	page, err := web.Demo.ReadFile("demo/rest.html")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	servePage(w, r, page, "'self'")
}

// servePage serves a page that those pages may show in a frame.
func servePage(w http.ResponseWriter, r *http.Request, page []byte, ancestors string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", fmt.Sprintf(pagePolicy, r.Host, ancestors))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	w.Write(page)
}

// serveSession issues the tokens of a conversation's parties. The supervisor coaches: the
// customer does not see that party.
func serveSession(w http.ResponseWriter, r *http.Request, auth *token.Authenticator) {
	session := r.URL.Query().Get("session")
	if session == "" {
		session = "demo-" + strings.ToLower(rand.Text()[:12])
	}
	if !bridge.ValidSession(session) {
		http.Error(w, bridge.CodeSessionInvalid.Rule().Hint, http.StatusBadRequest)
		return
	}
	type side struct {
		Token string `json:"token"`
	}
	answer := struct {
		URL        *string `json:"url"`
		Session    string  `json:"session"`
		Agent      side    `json:"agent"`
		Customer   side    `json:"customer"`
		Supervisor side    `json:"supervisor"`
	}{Session: session}
	for _, p := range []struct {
		party bridge.Party
		side  *side
	}{
		{bridge.Party{UserID: "agent", Nickname: "Ada", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, &answer.Agent},
		{bridge.Party{UserID: "customer", Nickname: "Bo", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}, &answer.Customer},
		{bridge.Party{UserID: "supervisor", Nickname: "Eve", UserType: bridge.Supervisor, Visibility: bridge.Internal, ClientVersion: bridge.VersionCurrent}, &answer.Supervisor},
	} {
		signed, err := auth.Mint(proxy.Identity{
			Session: session, Party: p.party, Rights: bridge.AllRights, Expires: time.Now().Add(12 * time.Hour),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		p.side.Token = signed
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	json.NewEncoder(w).Encode(answer)
}
