package gms_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// plain is what one would write without Attaché: an upload by multipart that is hashed, written
// and synced, and a download of a file.
func plain(dir string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for {
			p, err := parts.NextPart()
			if err != nil {
				return
			}
			if p.FileName() == "" {
				io.Copy(io.Discard, p)
				continue
			}
			// As the product keeps every upload: a file that is written over has warm pages.
			f, err := os.CreateTemp(dir, "file-*")
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			h := sha256.New()
			io.Copy(io.MultiWriter(f, h), p)
			f.Sync()
			f.Close()
			os.Link(f.Name(), filepath.Join(dir, "file"))
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, "file")) })
	return mux
}

// BenchmarkFile64MiB sends and fetches 64 MiB by REST and by the plain handler, one after the other, and
// reports the median of the ratios of their rates: only those of one run can be compared.
//
//	go test ./proxy/gms -run - -bench File64MiB -benchtime 9x
func BenchmarkFile64MiB(b *testing.B) {
	const size = 64 << 20
	limits := bridge.Unlimited()
	p := proxytest.Start(b, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	s, err := gms.NewServer(p.Proxy, gms.Options{})
	require.NoError(b, err)
	server, peer := httptest.NewServer(s), httptest.NewServer(plain(b.TempDir()))
	b.Cleanup(server.Close)
	b.Cleanup(peer.Close)

	w := &world{World: p, server: server}
	c := &customer{world: w}
	r, _ := benchPost(b, server.URL+"/genesys/2/chat/support", url.Values{"nickname": {"Ann"}})
	c.last = r
	body, contentType := multipartBody(append(c.identity(), part{"file", "a.bin", random(size)})...)
	send := func(to string) (reply []byte, took time.Duration) {
		began := time.Now()
		answer, err := http.Post(to, contentType, bytes.NewReader(body))
		require.NoError(b, err)
		defer answer.Body.Close()
		reply, err = io.ReadAll(answer.Body)
		require.NoError(b, err)
		require.Equal(b, http.StatusOK, answer.StatusCode, "%s", reply)
		return reply, time.Since(began)
	}
	fetch := func(get func() (*http.Response, error)) time.Duration {
		began := time.Now()
		answer, err := get()
		require.NoError(b, err)
		defer answer.Body.Close()
		n, err := io.Copy(io.Discard, answer.Body)
		require.NoError(b, err)
		require.EqualValues(b, size, n)
		return time.Since(began)
	}
	var up, down []float64
	for b.Loop() {
		reply, took := send(c.filePath())
		_, took2 := send(peer.URL)
		up = append(up, took2.Seconds()/took.Seconds())
		id := parseReply(b, reply).UserData["file-id"]
		identity := url.Values{"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}}
		ours := fetch(func() (*http.Response, error) { return http.PostForm(c.filePath()+"/"+id+"/download", identity) })
		theirs := fetch(func() (*http.Response, error) { return http.Get(peer.URL) })
		down = append(down, theirs.Seconds()/ours.Seconds())
	}
	b.ReportMetric(median(up), "upload-ratio")
	b.ReportMetric(median(down), "download-ratio")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
