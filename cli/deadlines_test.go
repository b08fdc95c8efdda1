package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/guests"
)

// A client that writes the path of GMS' Chat API in capitals learns that nothing is there, not
// that it may send no body.
func TestDeadlines_BodiesOfGMSInAnyCase(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(deadlines(http.NotFoundHandler(), guests.NoBodies))
	defer s.Close()
	for path, status := range map[string]int{
		"/genesys/2/chat/support": http.StatusNotFound, "/GENESYS/2/chat/support": http.StatusNotFound, "/Genesys": http.StatusNotFound,
		"/other": http.StatusRequestEntityTooLarge,
	} {
		r, err := http.Post(s.URL+path, "application/x-www-form-urlencoded", strings.NewReader("nickname=Ann"))
		require.NoError(t, err)
		r.Body.Close()
		require.Equal(t, status, r.StatusCode, path)
	}
}
