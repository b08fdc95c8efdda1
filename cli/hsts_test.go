package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestL11OwnTLSSendsHSTS(t *testing.T) {
	h := strictTransport(http.NotFoundHandler())
	for host, want := range map[string]string{
		"files.example": "max-age=31536000", "files.example:8371": "max-age=31536000",
		"localhost": "", "localhost:8371": "", "desk.localhost:8371": "",
	} {
		answer := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		h.ServeHTTP(answer, r)
		require.Equal(t, http.StatusNotFound, answer.Code)
		require.Equal(t, want, answer.Header().Get("Strict-Transport-Security"), host)
	}
}
