package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/wasm/page"
)

// startUCS starts a process that serves UCS's interface, and returns its address.
func startUCS(t *testing.T, more ...string) (d *daemon, public, at string) {
	t.Helper()
	d = start(t, command(t, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner", "off", "--origin", pageOrigin, "--data", t.TempDir(), "--token-secret", secret,
		"--ucs-listen", "127.0.0.1:0",
	}, more...)...))
	printed := address.FindAllString(d.line, -1)
	require.Len(t, printed, 2, d.line)
	return d, printed[0], printed[1]
}

// documentsInUCS starts a UCS, our own end in another process, and returns the flags of a proxy
// that uses it.
func documentsInUCS(t *testing.T) []string {
	t.Helper()
	_, _, at := startUCS(t, "--ucs-secret", secret)
	return []string{"--ucs", at, "--ucs-secret", secret}
}

// asUCS makes a request as a program that uses UCS.
func asUCS(t *testing.T, verb, url string, body io.Reader) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), verb, url, body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var reply map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&reply))
	return res.StatusCode, reply
}

const (
	addDocument    = "/ucs/v1/OMInteractions/AddDocument"
	getDocument    = "/ucs/v1/OMInteractions/GetDocument?DocumentId="
	updateDocument = "/ucs/v1/OMInteractions/UpdateDocument"
)

// What another program stores over our bytes never passes as the file that was announced, and is
// not served where pages are.
func TestT18ServedUCSNeverPassesAsOurFile(t *testing.T) {
	t.Parallel()
	_, public, at := startUCS(t, "--ucs-secret", secret)
	status, _, _ := get(t, public+getDocument)
	require.Equal(t, http.StatusNotFound, status, "not on the public listener")
	status, _, _ = get(t, at+getDocument)
	require.Equal(t, http.StatusUnauthorized, status)

	ann, carol := openTab(t, public, "s1", "ann", bridge.Agent), openTab(t, public, "s1", "carol", bridge.Client)
	content := random(100_000)
	f := ann.announced(carol.send("a.bin", content).Key)
	_, reply := asUCS(t, "GET", at+getDocument+f.DocumentID, nil)
	require.Equal(t, base64.StdEncoding.EncodeToString(content), reply["Content"])
	got, err := ann.Download(t.Context(), f.ID, newKey())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)

	other := base64.StdEncoding.EncodeToString(random(100_001))
	status, reply = asUCS(t, "PUT", at+updateDocument, strings.NewReader(`{"Parameters":{"DocumentId":"`+f.DocumentID+`","Content":"`+other+`"}}`))
	require.Equal(t, http.StatusOK, status, reply)
	_, reply = asUCS(t, "GET", at+getDocument+f.DocumentID, nil)
	require.Equal(t, other, reply["Content"])
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err = ann.Download(ctx, f.ID, newKey()) // it retries, because the old content may come back
	require.Error(t, err, "its size is not the announced one")
}

// largeDocument is how many MiB the document has whose memory is measured. ATTACHE_LARGE=500
// measures what docs/benchmarks.md says.
func largeDocument(t *testing.T) int64 {
	n, err := strconv.ParseInt(os.Getenv("ATTACHE_LARGE"), 10, 64)
	if os.Getenv("ATTACHE_LARGE") == "" {
		return 96
	}
	require.NoError(t, err)
	return n
}

// rss is the resident memory of a process, now and at most, in bytes.
func rss(t *testing.T, d *daemon) (now, most int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	for line := range strings.Lines(string(text)) {
		var n int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &n); err == nil {
			now = n << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &n); err == nil {
			most = n << 10
		}
	}
	return now, most
}

// A document of any size adds the same memory at both ends, up and down.
func TestUCSMemoryOfALargeDocument(t *testing.T) {
	t.Parallel()
	size := largeDocument(t) << 20
	server, _, at := startUCS(t, "--ucs-secret", secret)
	client, public, _ := startServe(t, "--ucs", at, "--ucs-secret", secret)
	ann, carol := openTab(t, public, "s1", "ann", bridge.Agent), openTab(t, public, "s1", "carol", bridge.Agent)
	small := ann.announced(carol.send("small.bin", random(100_000)).Key)
	_, err := ann.Download(t.Context(), small.ID, newKey())
	require.NoError(t, err)
	grown := func(what string) {
		t.Helper()
		for name, d := range map[string]*daemon{"server": server, "client": client} {
			now, most := rss(t, d)
			t.Logf("%s: %s: %d MiB, at most %d MiB", what, name, now>>20, most>>20)
		}
	}
	serverBefore, _ := rss(t, server)
	clientBefore, _ := rss(t, client)
	grown("before")
	content := random(int(size))
	f := ann.announced(carol.send("large.bin", content).Key)
	grown("added")
	got, err := ann.Download(t.Context(), f.ID, newKey())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: size, SHA256: sha256.Sum256(content)}, got)
	grown("downloaded")
	_, serverMost := rss(t, server)
	_, clientMost := rss(t, client)
	require.Less(t, serverMost-serverBefore, int64(64<<20), "the server")
	require.Less(t, clientMost-clientBefore, int64(64<<20), "the client")
}

// A proxy whose documents are in UCS is backed up without them, and the restored one finds them
// there, by the ids and the digests that are in the backup.
func TestUCSDocumentsOutliveABackup(t *testing.T) {
	t.Parallel()
	flags := documentsInUCS(t)
	data, dir, restored := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "restored")
	serve := func(data string) (*daemon, string) {
		d := start(t, command(t, append([]string{
			"serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner", "off", "--origin", pageOrigin, "--data", data, "--token-secret", secret,
		}, flags...)...))
		return d, address.FindString(d.line)
	}
	first, public := serve(data)
	ann, carol := openTab(t, public, "s1", "ann", bridge.Agent), openTab(t, public, "s1", "carol", bridge.Client)
	content := random(100_000)
	f := ann.announced(carol.send("a.bin", content).Key)
	got := run(t, command(t, "backup", "--data", data, dir))
	require.Zero(t, got.code, got.log)
	first.signal()
	first.wait()
	got = run(t, command(t, "restore", "--verify", "--data", restored, dir))
	require.Zero(t, got.code, got.log)
	_, public = serve(restored)
	ann = openTab(t, public, "s1", "ann", bridge.Agent)
	require.Equal(t, f.ID, ann.announced(f.Key).ID)
	fetched, err := ann.Download(t.Context(), f.ID, newKey())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, fetched)
}

// A proxy is killed before and after each request of an Add: the upload is announced once, its
// file is in UCS, and what a lost answer leaves there is one empty document at most.
func TestUCSKilledAtEachRequestOfAnAdd(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"AddDocument", "UpdateDocument"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after: %v", method, after), func(t *testing.T) {
				t.Parallel()
				_, _, at := startUCS(t, "--ucs-secret", secret)
				base, err := url.Parse(at)
				require.NoError(t, err)
				far := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }, ErrorLog: log.New(io.Discard, "", 0)}
				border, killed := make(chan struct{}), make(chan struct{})
				var once sync.Once
				var mu sync.Mutex
				added := []string{}
				between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					die := func() {
						once.Do(func() { close(border); <-killed; panic(http.ErrAbortHandler) })
					}
					hit := strings.HasSuffix(r.URL.Path, method)
					if hit && !after {
						die()
					}
					answer := httptest.NewRecorder()
					far.ServeHTTP(answer, r)
					if strings.HasSuffix(r.URL.Path, "AddDocument") && answer.Code == http.StatusOK {
						var reply map[string]string
						json.Unmarshal(answer.Body.Bytes(), &reply)
						mu.Lock()
						added = append(added, reply["DocumentId"])
						mu.Unlock()
					}
					if hit && after {
						die()
					}
					maps.Copy(w.Header(), answer.Header())
					w.WriteHeader(answer.Code)
					w.Write(answer.Body.Bytes())
				}))
				t.Cleanup(func() { between.CloseClientConnections(); between.Close() })

				data := t.TempDir()
				serve := func() (*daemon, string) {
					d := start(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner", "off", "--origin", pageOrigin,
						"--data", data, "--token-secret", secret, "--ucs", between.URL, "--ucs-secret", secret))
					return d, address.FindString(d.line)
				}
				first, public := serve()
				carol := openTab(t, public, "s1", "carol", bridge.Agent) // who sees document ids
				content, sent := random(100_000), make(chan bridge.File, 1)
				go func() { sent <- carol.send("a.bin", content) }()
				<-border
				require.NoError(t, first.cmd.Process.Kill())
				first.wait()
				close(killed)
				_, public = serve()
				carol.moveTo(public)
				f := <-sent
				got, err := carol.Download(t.Context(), f.ID, newKey())
				require.NoError(t, err)
				require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)
				mu.Lock()
				defer mu.Unlock()
				require.Contains(t, added, f.DocumentID)
				want := 1
				if method == "AddDocument" && after {
					want = 2
				}
				require.Len(t, added, want)
				for _, id := range added {
					_, reply := asUCS(t, "GET", at+getDocument+id, nil)
					require.Equal(t, id == f.DocumentID, reply["Content"] == base64.StdEncoding.EncodeToString(content))
					require.True(t, id == f.DocumentID || reply["Content"] == "" || reply["Content"] == nil)
				}
			})
		}
	}
}

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, true)
	return a
}

// sign writes NAME.pem and NAME-key.pem, and returns their paths.
func (a *authority) sign(name string, c *x509.Certificate, self bool) (cert, key string) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if self {
		a.cert, a.key = c, own
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &own.PublicKey, a.key)
	require.NoError(a.t, err)
	if self {
		a.cert, err = x509.ParseCertificate(der)
		require.NoError(a.t, err)
	}
	raw, err := x509.MarshalECPrivateKey(own)
	require.NoError(a.t, err)
	cert, key = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+"-key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	}
	return cert, key
}

// TLS with a private authority, both ways: a client without a certificate, or with another
// authority's, gets nothing.
func TestUCSWithClientCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	ca := filepath.Join(a.dir, "ca.pem")
	cert, key := a.sign("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, false)
	_, _, at := startUCS(t, "--ucs-client-ca", ca, "--ucs-cert", cert, "--ucs-key", key)
	require.True(t, strings.HasPrefix(at, "https://"), at)
	cert, key = a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, false)
	mixOf(t, "--ucs", at, "--ucs-ca", ca, "--ucs-cert", cert, "--ucs-key", key).bothWays(t)

	stranger := newAuthority(t)
	otherCert, otherKey := stranger.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, false)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	other, err := tls.LoadX509KeyPair(otherCert, otherKey)
	require.NoError(t, err)
	own, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		config *tls.Config
		fails  bool
	}{
		"our certificate":     {&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}}, false},
		"no certificate":      {&tls.Config{RootCAs: pool}, true},
		"another authority's": {&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{other}}, true},
	} {
		transport := &http.Transport{TLSClientConfig: c.config}
		res, err := (&http.Client{Transport: transport}).Get(at + getDocument)
		if err == nil {
			res.Body.Close()
		}
		transport.CloseIdleConnections()
		require.Equal(t, c.fails, err != nil, "%s: %v", name, err)
	}
}

// What can never work is refused at the start.
func TestUCSFlagsThatCannotWork(t *testing.T) {
	t.Parallel()
	whole := func(more ...string) []string {
		return append([]string{"serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off", "--origin", pageOrigin, "--token-secret", secret, "--data", t.TempDir()}, more...)
	}
	for says, more := range map[string][]string{
		"needs --ucs-secret-file or --ucs-client-ca": {"--ucs-listen=127.0.0.1:0"},
		"needs --ucs-cert and --ucs-key":             {"--ucs-listen=127.0.0.1:0", "--ucs-client-ca=" + "missing.pem"},
		"no effect without --ucs":                    {"--ucs-secret", secret},
		"documents, and they are elsewhere":          {"--ucs-listen=127.0.0.1:0", "--ucs-secret", secret, "--ucs=http://ucs.example"},
		"both say where files are":                   {"--ucs=http://ucs.example", "--documents=own"},
		"5 bytes and needs 32":                       {"--ucs=http://ucs.example", "--ucs-secret=short"},
		"write http://host:port":                     {"--ucs=ucs.example:80"},
		"write https://":                             {"--ucs=http://ucs.example", "--ucs-ca=missing.pem"},
		"go together":                                {"--ucs=https://ucs.example", "--ucs-cert=missing.pem"},
		"is not an option of UCS":                    {"--ucs=http://ucs.example", "--ucs-option=bogus=1"},
		"std, url, raw":                              {"--ucs=http://ucs.example", "--ucs-option=base64=hex"},
		"--ucs-timeout=0s":                           {"--ucs=http://ucs.example", "--ucs-timeout=0s"},
		"the spool not smaller":                      {"--ucs=http://ucs.example", "--ucs-spool=1000"},
	} {
		got := run(t, command(t, whole(more...)...))
		require.Equal(t, 1, got.code, says)
		require.Contains(t, got.log, says)
	}
}
