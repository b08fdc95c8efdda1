package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/mail"
)

// eximConfig is a server on loopback, with STARTTLS and AUTH, that appends every mail to one file
// and refuses one person.
const eximConfig = `
primary_hostname = mail.example
exim_user = root
exim_group = root
never_users =
spool_directory = DIR/spool
log_file_path = DIR/log-%s
pid_file_path = DIR/pid
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
tls_advertise_hosts = *
tls_certificate = DIR/cert.pem
tls_privatekey = DIR/key.pem
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny !authenticated = *
  deny local_parts = refused
       message = 550 no such person
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = DIR/mails/box
  user = nobody
  group = nogroup
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{attache}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
`

// exim is Debian's Exim as a normal program.
type exim struct {
	t       *testing.T
	path    string
	dir     string
	address string
	pool    *x509.CertPool
	cmd     *exec.Cmd
}

// startExim runs it until the test ends. It is skipped where Exim is missing, or not started by
// root, for whom alone Exim reads another configuration and keeps its rights.
func startExim(t *testing.T) *exim {
	t.Helper()
	path, err := exec.LookPath("exim4")
	if err != nil {
		t.Skip("exim4 is missing: ci/deps.sh installs it, or apt-get install exim4-daemon-light")
	}
	if os.Getuid() != 0 {
		t.Skip("exim4 needs root for a configuration of its own")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "exim")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	x := &exim{t: t, path: path, dir: dir, address: l.Addr().String(), pool: x509.NewCertPool()}
	require.NoError(t, l.Close())
	x.certify()
	// Exim delivers nothing as root.
	mails := filepath.Join(dir, "mails")
	require.NoError(t, os.Mkdir(mails, 0o700))
	require.NoError(t, os.Chmod(mails, 0o777))
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(x.dir, "conf"), []byte(strings.ReplaceAll(eximConfig, "DIR", x.dir)), 0o600))
	x.start()
	return x
}

// certify makes a certificate for the address.
func (x *exim) certify() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(x.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(x.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(x.t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(x.t, os.WriteFile(filepath.Join(x.dir, name), pem.EncodeToMemory(block), 0o600))
	}
	parsed, err := x509.ParseCertificate(cert)
	require.NoError(x.t, err)
	x.pool.AddCert(parsed)
}

func (x *exim) start() {
	x.t.Helper()
	var log bytes.Buffer
	host, port, _ := net.SplitHostPort(x.address)
	x.cmd = exec.Command(x.path, "-C", filepath.Join(x.dir, "conf"), "-bdf", "-oX", host+"."+port)
	x.cmd.Stdout, x.cmd.Stderr = &log, &log
	require.NoError(x.t, x.cmd.Start())
	x.t.Cleanup(x.stop)
	require.Eventually(x.t, func() bool {
		c, err := net.Dial("tcp", x.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond, "exim does not start")
}

func (x *exim) stop() {
	x.cmd.Process.Kill()
	x.cmd.Wait()
}

func (x *exim) sender(change ...func(*mail.SMTPOptions)) *mail.SMTP {
	x.t.Helper()
	o := mail.SMTPOptions{Server: x.address, From: "Support <support@example.com>", User: "attache", Password: "secret", Config: &tls.Config{RootCAs: x.pool}}
	for _, c := range change {
		c(&o)
	}
	s, err := mail.NewSMTP(o)
	require.NoError(x.t, err)
	return s
}

// box waits until that many mails were delivered, and returns them.
func (x *exim) box(n int) (text string) {
	x.t.Helper()
	defer func() {
		if x.t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(x.dir, "log-*"))
			for _, path := range logs {
				log, _ := os.ReadFile(path)
				x.t.Logf("%s:\n%s", path, log)
			}
		}
	}()
	require.Eventually(x.t, func() bool {
		b, _ := os.ReadFile(filepath.Join(x.dir, "mails", "box"))
		text = string(b)
		return strings.Count(text, "\nMessage-ID: <") == n
	}, patience, 10*time.Millisecond, "the box has not got %d mails", n)
	return text
}

func TestB22RealServerDeliversTheMailOnce(t *testing.T) {
	t.Parallel()
	x := startExim(t)
	w := newWorld(t)
	l := w.start(x.sender(), func(o *mail.Options) { o.RecipientKey = "EmailAddress" })
	w.chatted("s1")
	r := w.await(l, "s1", mail.Sent)
	text := x.box(1)
	for _, part := range []string{
		"Message-ID: <" + r.MessageID + ">", "To: <" + address + ">", "Auto-Submitted: auto-generated",
		"Content-Type: multipart/alternative", "Content-Type: text/plain", "Content-Type: text/html", "Ann: hello",
	} {
		require.Contains(t, text, part)
	}
	require.Regexp(t, regexp.MustCompile(`with esmtpsa\s+\(TLS1\.3\)`), text, "encrypted and authenticated")

	// A person whom the server refuses ends the mail; one that a stopped server misses waits.
	w.chatted("s2", emailAddress("refused@customer.example"))
	require.Equal(t, 550, w.await(l, "s2", mail.Failed).Status)
	x.stop()
	w.chatted("s3")
	w.until(l, "s3", func(r mail.Record) bool { return r.Tries > 1 })
	x.start()
	w.await(l, "s3", mail.Sent)
	x.box(2)
	require.NotContains(t, w.log.String(), "@customer.example")
	require.NoError(t, l.Close(t.Context()))

	// A wrong password, or a certificate that is not trusted, refuses us and not the mail.
	wrong := w.start(x.sender(func(o *mail.SMTPOptions) { o.Password = "wrong" }))
	w.chatted("s4")
	r = w.until(wrong, "s4", func(r mail.Record) bool { return r.Tries > 1 })
	require.Equal(t, 535, r.Status)
	require.NoError(t, wrong.Close(t.Context()))
	untrusted := w.start(x.sender(func(o *mail.SMTPOptions) { o.Config = nil }))
	tries := r.Tries
	w.until(untrusted, "s4", func(r mail.Record) bool { return r.Tries > tries+1 && r.Status == 0 })
	require.NoError(t, untrusted.Close(t.Context()))
	x.box(2)
	right := w.start(x.sender())
	w.await(right, "s4", mail.Sent)
	x.box(3)
}
