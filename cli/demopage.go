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
)

// pagePolicy is as strict as the policy of a page with a WebAssembly module can be. Not
// every browser lets 'self' cover the sockets of the page's own host.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"connect-src 'self' ws://%s; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-src 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func servePage(w http.ResponseWriter, r *http.Request, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", fmt.Sprintf(pagePolicy, r.Host))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	w.Write(page)
}

// serveSession issues the tokens of a conversation's two parties.
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
		URL      *string `json:"url"`
		Session  string  `json:"session"`
		Agent    side    `json:"agent"`
		Customer side    `json:"customer"`
	}{Session: session}
	for _, p := range []struct {
		party bridge.Party
		side  *side
	}{
		{bridge.Party{UserID: "agent", Nickname: "Ada", UserType: bridge.Agent}, &answer.Agent},
		{bridge.Party{UserID: "customer", Nickname: "Bo", UserType: bridge.Client}, &answer.Customer},
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
