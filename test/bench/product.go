package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"attache/test/harness"
)

// product is one running `attache demo`: the real command with a new, empty embedded
// store. It serves its pages itself, so nothing is between it and the browser.
type product struct {
	process *os.Process
	address string
	data    string
	exited  chan struct{}
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

var printedAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// startProduct runs the command on a free port with empty data, and stops it
// and removes the data with stop.
func (l *lab) startProduct(ctx context.Context) (*product, error) {
	path, err := l.command(ctx)
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(l.dir, "attache-data-*")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(l.dir, filepath.Base(data)+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(path, "demo", "--listen", "127.0.0.1:0", "--data", data)
	command.Stderr = log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start attache: %w", err)
	}
	p := &product{process: command.Process, data: data, exited: make(chan struct{})}
	p.address, err = scanAddress(stdout)
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = command.Wait()
		close(p.exited)
	}()
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: %s", err, read(log.Name()))
	}
	return p, nil
}

func scanAddress(stdout io.Reader) (string, error) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if address := printedAddress.FindString(lines.Text()); address != "" {
			return address, nil
		}
	}
	return "", errors.Join(errors.New("attache ended before it printed its address"), lines.Err())
}

func (p *product) stop() {
	_ = p.process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.process.Pid, syscall.SIGKILL)
		<-p.exited
	}
	_ = os.RemoveAll(p.data)
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

// openPlain shows a page of the product's origin that does nothing by itself,
// in a chat as its agent.
func (p *product) openPlain(ctx context.Context, c *chromium, session string) (*page, error) {
	token, err := p.agentToken(ctx, session)
	if err != nil {
		return nil, err
	}
	tab, err := p.open(ctx, c, p.address+"/web/attache.d.ts")
	if err != nil {
		return nil, err
	}
	return tab, tab.evaluate(ctx, fmt.Sprintf("bench.join(%q)", token), nil)
}

// openPanes shows the demo page, agent and customer side by side.
func (p *product) openPanes(ctx context.Context, c *chromium, session string) (*page, error) {
	tab, err := p.open(ctx, c, p.address+"/#"+session)
	if err != nil {
		return nil, err
	}
	return tab, tab.evaluate(ctx, "bench.ready()", nil)
}

func (p *product) agentToken(ctx context.Context, session string) (string, error) {
	var demo struct {
		Agent struct {
			Token string `json:"token"`
		} `json:"agent"`
	}
	body, err := get(ctx, p.address+"/demo/session.json?session="+url.QueryEscape(session))
	if err != nil {
		return "", err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&demo); err != nil {
		return "", fmt.Errorf("read the demo's tokens: %w", err)
	}
	return demo.Agent.Token, nil
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
		name: "attaché", page: tab, server: p.process.Pid,
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
