package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
	"attache/test/harness"
)

// The product's stores.
const (
	files   = "files"   // --data: everything in one directory of the proxy's
	objects = "objects" // --nats: everything in one NATS server, a process of its own
)

// secret signs the tokens.
const secret = "a secret of the benchmark, of some length"

// product is a running `attache serve`, the command that operators run, as one process
// that does all of the server's work, and the NATS server of the store objects. It serves
// its pages itself, so nothing is between it and the browser.
type product struct {
	path    string // of the command
	store   string
	data    string
	log     string
	address string // http://host:port
	admin   string // host:port
	nats    string // host:port
	flags   []string
	tokens  *token.Authenticator

	node  *process // nil with the store files
	proxy *process
}

// command returns the path of the compiled command: the given one, or one that is
// built when it is first needed.
func (l *lab) command(ctx context.Context) (string, error) {
	if l.attache != "" {
		return l.attache, nil
	}
	path := filepath.Join(l.dir, "attache")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, harness.Build(ctx, path, "-trimpath")
}

// startProduct runs the command with the lab's store, which is empty, and those flags as well. The
// caller must call stop, which removes the data.
func (l *lab) startProduct(ctx context.Context, flags ...string) (*product, error) {
	path, err := l.command(ctx)
	if err != nil {
		return nil, err
	}
	p := &product{path: path, store: l.store, flags: flags}
	if p.data, err = os.MkdirTemp(l.dir, "attache-data-*"); err != nil {
		return nil, err
	}
	p.log = p.data + ".log"
	if p.tokens, err = token.NewAuthenticator(token.Secret([]byte(secret))); err != nil {
		return nil, err
	}
	for _, address := range []*string{&p.address, &p.admin, &p.nats} {
		if *address, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	p.address = "http://" + p.address
	if err := p.begin(); err != nil {
		p.stop()
		return nil, err
	}
	if err := p.check(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// begin starts the processes, for the first time or again after crash.
func (p *product) begin() (err error) {
	if p.store == objects {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		if p.node, _, err = startProcess(p.log, 0, equal(harness.NodeServes), self, nodeCommand, p.data, p.nats); err != nil {
			return err
		}
	}
	return p.beginProxy()
}

// beginProxy starts the proxy, for the first time or again.
func (p *product) beginProxy() (err error) {
	store, group := []string{"--data", p.data}, 0
	if p.store == objects {
		store = []string{"--nats", "nats://" + p.nats, "--replicas", "1"}
	}
	if p.node != nil {
		group = p.node.Pid
	}
	args := append([]string{
		"serve", "--listen", strings.TrimPrefix(p.address, "http://"), "--admin", p.admin, "--origin", p.address,
		"--token-secret", secret, "--scanner", "off", "--log-level", "warn", "--download-attempts=-1",
	}, append(store, p.flags...)...)
	p.proxy, _, err = startProcess(p.log, group, beginning("serving "), p.path, args...)
	return err
}

// another starts one more proxy on the node of p. Only its process is to be stopped.
func (p *product) another() (*product, error) {
	other := *p
	other.node = nil
	for _, address := range []*string{&other.address, &other.admin} {
		free, err := freeAddress()
		if err != nil {
			return nil, err
		}
		*address = free
	}
	other.address = "http://" + other.address
	return &other, other.beginProxy()
}

// restartProxy kills the proxy and starts it again.
func (p *product) restartProxy() error {
	p.proxy.kill()
	return p.beginProxy()
}

// group is the process group that does all of the server's work.
func (p *product) group() int {
	if p.node != nil {
		return p.node.Pid
	}
	return p.proxy.Pid
}

// check returns an error if another process serves the product's address than the one
// whose memory is measured, or one outside the group whose processor time is.
func (p *product) check(ctx context.Context) error {
	return errors.Join(servedBy(ctx, p.address, p.proxy.Pid), servedBy(ctx, p.address, p.group()))
}

// crash kills all processes at once.
func (p *product) crash() {
	_ = syscall.Kill(-p.group(), syscall.SIGKILL)
	p.proxy.kill()
	p.node.kill()
}

func (p *product) stop() {
	p.proxy.stop()
	p.node.stop()
	_ = os.RemoveAll(p.data)
}

func equal(want string) func(string) string {
	return func(line string) string {
		if line != want {
			return ""
		}
		return line
	}
}

func beginning(want string) func(string) string {
	return func(line string) string {
		if !strings.HasPrefix(line, want) {
			return ""
		}
		return line
	}
}

// freeAddress returns a free loopback address for a process that must keep it when it is
// started again. The port is below 32768, from where on the kernel gives ports to
// outgoing connections.
func freeAddress() (string, error) {
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", 16384+rand.IntN(16384))); err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", err
}

// open shows a page of the product's origin and prepares it for the experiments.
func (p *product) open(ctx context.Context, c *chromium, address string) (*page, error) {
	tab, err := c.open(ctx, "about:blank", false)
	if err != nil {
		return nil, err
	}
	hook, _ := pages.ReadFile("pages/memory.js")
	if err := tab.call(ctx, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": string(hook)}, nil); err != nil {
		return nil, err
	}
	if err := tab.navigate(ctx, address); err != nil {
		return nil, err
	}
	script, _ := pages.ReadFile("pages/product.js")
	return tab, tab.evaluate(ctx, string(script), nil)
}

// plainPage is a page of the product's origin that runs no script.
const plainPage = "/web/attache.d.ts"

// openPlain shows a page of the product's origin that does nothing by itself,
// in a chat as its agent.
func (p *product) openPlain(ctx context.Context, c *chromium, session string) (*page, error) {
	token, err := p.token(session, "agent", bridge.Agent)
	if err != nil {
		return nil, err
	}
	tab, err := p.open(ctx, c, p.address+plainPage)
	if err != nil {
		return nil, err
	}
	return tab, tab.evaluate(ctx, fmt.Sprintf("bench.join(%q)", token), nil)
}

// openPanes shows two elements of the product side by side, the agent's and the
// customer's.
func (p *product) openPanes(ctx context.Context, c *chromium, session string) (*page, error) {
	agent, err := p.token(session, "agent", bridge.Agent)
	if err != nil {
		return nil, err
	}
	customer, err := p.token(session, "customer", bridge.Client)
	if err != nil {
		return nil, err
	}
	tab, err := p.open(ctx, c, p.address+plainPage)
	if err != nil {
		return nil, err
	}
	return tab, tab.evaluate(ctx, fmt.Sprintf("bench.panes(%q, %q)", agent, customer), nil)
}

// token makes a token of a party of a session.
func (p *product) token(session, user string, kind bridge.UserType) (string, error) {
	return p.tokens.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent},
		Rights: bridge.AllRights, Expires: time.Now().Add(12 * time.Hour),
	})
}

// verify compares the stored content of the page's latest upload with the file,
// because a throughput of wrong bytes does not count.
func (p *product) verify(ctx context.Context, tab *page, want testFile) error {
	var link string
	if err := tab.evaluate(ctx, "bench.link()", &link); err != nil {
		return err
	}
	body, err := get(ctx, link)
	if err != nil {
		return err
	}
	defer body.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, body); err != nil {
		return err
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != want.digest {
		return fmt.Errorf("stored content has SHA-256 %s, the file %s", got, want.digest)
	}
	return nil
}

func get(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("get %s: %s", address, response.Status)
	}
	return response.Body, nil
}

// uploading is a contender that runs an uploading expression in the product's page.
func (l *lab) uploading(p *product, tab *page, expression string, answer int64) contender {
	return contender{
		name: "attaché", page: tab, address: p.address, server: p.group(),
		run: func(ctx context.Context) (time.Duration, error) {
			return timedCount(ctx, tab, expression, answer)
		},
	}
}

// timedCount runs an expression that times itself and answers {ms, answer}.
func timedCount(ctx context.Context, tab *page, expression string, answer int64) (time.Duration, error) {
	var outcome struct {
		MS     float64 `json:"ms"`
		Answer int64   `json:"answer"`
	}
	if err := tab.evaluate(ctx, expression, &outcome); err != nil {
		return 0, err
	}
	if outcome.Answer != answer {
		return 0, fmt.Errorf("%s answered %d and not %d", expression, outcome.Answer, answer)
	}
	return milliseconds(outcome.MS), nil
}
