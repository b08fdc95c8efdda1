package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"attache/bridge"
	"attache/proxy/assembly"

	"github.com/stretchr/testify/require"
)

// A deceptive name is announced, stored, checked and saved in its cleaned form; offered
// again it is still the same file.
func TestM8CleanNameIsUsedEverywhere(t *testing.T) {
	t.Parallel()
	limits := bridge.Unlimited()
	limits.Types = []string{"pdf"}
	w := newWorldWith(t, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	d := w.data(w.customer)
	long := strings.Repeat("報告書", 60)
	for raw, clean := range map[string]string{
		"../../evil.exe/x.pdf": "x.pdf",
		"x\u202efdp.exe.pdf":   "xfdp.exe.pdf",
		"con.pdf":              "_con.pdf",
		"photo.pdf. ":          "photo.pdf",
		"חשבונית\u200f.pdf":    "חשבונית.pdf",
		long + "_第1版.pdf":      bridge.SafeName(long+"_第1版.pdf", "").Text,
		long + "_第2版.pdf":      bridge.SafeName(long+"_第2版.pdf", "").Text,
	} {
		sent := w.upload(customer, d, raw, []byte("content"))
		require.Equal(t, bridge.SafeName(raw, ""), sent.Name, "%q", raw)
		seen := agent.announced(sent.Key)
		require.Equal(t, bridge.SafeName(raw, ""), seen.Name, "the receiver reads the same caution")

		event, found, err := w.chat.FindKey(t.Context(), "s1", sent.Key)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, clean, event.Data.Get(bridge.KeyFileName))
		require.Equal(t, raw, event.Data.Get(bridge.KeyFileAsSent))
		stored, err := w.Store.Open(t.Context(), seen.DocumentID)
		require.NoError(t, err)
		require.Equal(t, clean, stored.Document().Name)
		require.NoError(t, stored.Close())

		_, header := w.fetch(w.ticket(agent, seen.ID), nil, http.StatusOK)
		require.Contains(t, header.Get("Content-Disposition"), `attachment; filename="`)

		customer.send(&bridge.Offer{Key: sent.Key, Name: raw, Size: 7})
		again := await(customer, func(m *bridge.Upload) bool { return m.Key == sent.Key && m.Event != nil })
		require.Equal(t, bridge.Announced, again.State)
	}
	customer.send(&bridge.Offer{Key: newKey(), Name: "report.pdf\u202e.exe", Size: 7})
	require.Equal(t, bridge.CodeFileType, customer.refused())
}
