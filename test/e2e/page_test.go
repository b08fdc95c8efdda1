package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/probe.js
var probe string

// page is a tab in a browser context of its own.
type page struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	said     []string // warnings and errors in its console
	expected []*regexp.Regexp
}

// longest bounds a test, so that a hanging one reports where it hangs.
const longest = 8 * time.Minute

func newPage(t *testing.T) *page {
	t.Helper()
	return newPageFor(t, longest)
}

func newPageFor(t *testing.T, most time.Duration) *page {
	t.Helper()
	return newPageIn(t, browser, most)
}

func newPageIn(t *testing.T, browser context.Context, most time.Duration) *page {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, most)
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	p := &page{t: t, ctx: ctx}
	p.prepare(func() {
		closeTab()
		cancel()
	})
	return p
}

// prepare listens to the tab, and closes it when the test ends.
func (p *page) prepare(closeTab func()) {
	t, ctx := p.t, p.ctx
	t.Helper()
	t.Cleanup(func() {
		closeTab()
		require.Empty(t, p.unexpected(), "warnings, errors, uncaught exceptions and policy violations of the page")
	})
	require.NoError(t, chromedp.Listen(ctx, p.hear))
	// The driver enables this domain, which copies every frame of a socket into a
	// debug message.
	_, err := chromedp.Call(ctx, network.Disable, cdp.Empty{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: probe})
	require.NoError(t, err)
}

func (p *page) open(url string) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, chromedp.Navigate(url)))
}

func (p *page) reload() {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, chromedp.Reload()))
}

// hear records warnings and errors in the console.
func (p *page) hear(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		words := []string{string(e.Type)}
		for _, arg := range e.Args {
			words = append(words, strings.Trim(string(arg.Value), `"`)+arg.Description)
		}
		text = strings.Join(words, " ")
	case *runtime.EventExceptionThrown:
		text = "uncaught " + e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description + string(thrown.Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		text = string(e.Entry.Source) + " " + e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	p.said = append(p.said, text)
	p.mu.Unlock()
}

// expect allows lines that a test provokes, such as the browser's own error about a
// refused connection.
func (p *page) expect(pattern string) {
	p.expected = append(p.expected, regexp.MustCompile(pattern))
}

func (p *page) unexpected() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
next:
	for _, text := range p.said {
		for _, pattern := range p.expected {
			if pattern.MatchString(text) {
				continue next
			}
		}
		out = append(out, text)
	}
	return out
}

// ask calls a JavaScript function in the page, awaits its promise and returns the
// result.
func ask[T any](p *page, function string, args ...any) T {
	p.t.Helper()
	answer, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](call(p.t, function, args), chromedp.EvalAwaitPromise))
	require.NoError(p.t, err, "%s%v\nthe page said: %q", function, args, p.unexpected())
	return answer
}

// tell calls a JavaScript function as ask does, and ignores the result.
func tell(p *page, function string, args ...any) {
	p.t.Helper()
	ask[chromedp.Void](p, function, args...)
}

func call(t *testing.T, function string, args []any) string {
	t.Helper()
	list := make([]string, len(args))
	for i, arg := range args {
		if script, ok := arg.(raw); ok {
			list[i] = string(script)
			continue
		}
		text, err := json.Marshal(arg)
		require.NoError(t, err)
		list[i] = string(text)
	}
	return "(" + function + ")(" + strings.Join(list, ", ") + ")"
}

// choose puts files into a file input, as a user does with the picker.
func (p *page) choose(input string, paths ...string) {
	p.t.Helper()
	object, err := chromedp.Run(p.ctx, chromedp.Evaluate[*runtime.RemoteObject](input))
	require.NoError(p.t, err)
	require.NotEmpty(p.t, object.ObjectID, "there is no file input: %s", input)
	_, err = chromedp.Call(p.ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: paths, ObjectID: object.ObjectID})
	require.NoError(p.t, err)
}

// click clicks in the middle of the node that a JavaScript function returns.
func (p *page) click(function string, args ...any) {
	p.t.Helper()
	at := ask[[2]float64](p, "async (node) => e2e.middle(await node)", raw(call(p.t, function, args)))
	require.NoError(p.t, chromedp.Do(p.ctx, chromedp.MouseClickXY(at[0], at[1])))
}

// raw is an argument that is JavaScript itself.
type raw string
