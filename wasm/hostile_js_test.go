package main

import (
	"testing"
	"time"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// TestT36HostileCalls calls every function with arguments that it does not expect.
// The module answers or ignores the call, and works afterwards.
func TestT36HostileCalls(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	throwing := w.throwing()
	values := map[string]any{
		"nothing": safejs.Undefined(), "null": safejs.Null(), "NaN": nan(t), "negative": -1, "huge": 1e300, "text": "x",
		"object": newObject(t), "list": w.list(), "flag": true, "throwing": throwing, "function": w.function(func([]safejs.Value) any { return nil }),
	}
	for _, name := range []string{"open", "close", "token", "say", "notify", "typing", "find", "ask", "leave", "upload", "filled", "unread", "cancel", "wake", "check", "describe"} {
		for kind, value := range values {
			t.Run(name+" "+kind, func(t *testing.T) {
				for n := range 14 {
					args := make([]any, n)
					for i := range args {
						args[i] = value
					}
					w.call(name, args...)
					if n > 0 && name != "close" && name != "leave" && name != "open" {
						args[0] = handle
						w.call(name, args...)
					}
				}
			})
		}
	}
	s.sent()
	w.heard = nil
	f := w.newFile(50, content(1000))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	w.ready().transfer(f, key, 0)
	require.Equal(t, []string{"offered", "receiving"}, w.states())
}

// throwing is an object whose every property throws.
func (w *world) throwing() safejs.Value {
	function, err := safejs.Global().Get("Function")
	require.NoError(w, err)
	maker, err := function.New(`
		const fail = () => { throw new Error('no'); };
		return new Proxy(fail, { get: fail, has: fail, apply: fail, construct: fail, ownKeys: fail });`)
	require.NoError(w, err)
	v, err := maker.Invoke()
	require.NoError(w, err)
	return v
}

func nan(t *testing.T) safejs.Value {
	v, err := safejs.Global().Get("NaN")
	require.NoError(t, err)
	return v
}

func TestT36WrongBuffersFailTheUpload(t *testing.T) {
	for name, view := range map[string]func(w *world) safejs.Value{
		"too short": func(w *world) safejs.Value { return w.view(content(40)) },
		"empty":     func(w *world) safejs.Value { return w.view(nil) },
		"no buffer": func(w *world) safejs.Value { return newObject(w) },
		"detached": func(w *world) safejs.Value {
			return w.evaluate(`const b = new ArrayBuffer(1032); const v = new Uint8Array(b); structuredClone(b, { transfer: [b] }); return v;`)
		},
		"other view": func(w *world) safejs.Value { return w.evaluate(`return new Float64Array(200);`) },
		"throwing": func(w *world) safejs.Value {
			return w.evaluate(`return new Proxy({}, { get() { throw new Error('no'); } });`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected()
			w.newFile(1, content(1000)).upload(key, "a.bin")
			s.push(&bridge.Accept{Key: key})
			d := w.ready()
			w.heard = nil
			w.call("filled", handle, 1, view(w))
			require.Empty(t, d.frames)
			require.Equal(t, []string{"failed"}, w.states())
			s.push(said(1, "bo", "the chat continues"))
			require.Len(t, w.words("event"), 1)
		})
	}
}

func (w *world) evaluate(body string) safejs.Value {
	w.Helper()
	function, err := safejs.Global().Get("Function")
	require.NoError(w, err)
	f, err := function.New(body)
	require.NoError(w, err)
	v, err := f.Invoke()
	require.NoError(w, err)
	return v
}

func TestT36CallsFromWithinAReport(t *testing.T) {
	w := newWorld(t)
	var events []string
	host := w.function(func(args []safejs.Value) any {
		for ; len(args) > 0; args = args[3:] {
			word, _ := args[0].String()
			number, _ := args[1].Int()
			events = append(events, word)
			switch word {
			case "token":
				w.call("token", handle, number, "a token", false, "")
			case "welcome":
				w.call("say", handle, 1, key, "from within", "", "", "", "")
				w.call("close", handle)
			}
		}
		return nil
	})
	dial := w.function(func(args []safejs.Value) any { url, _ := args[0].String(); return w.newSocket(url).value })
	w.call("open", handle, host, dial, "ws://x", 0, "", "", 0, "")
	s := w.last()
	s.open()
	s.push(welcome())
	require.Equal(t, []string{"token", "welcome", "closed"}, events)
	require.True(t, s.closed)
}

func TestPanicIsReturnedAsAnError(t *testing.T) {
	w := newWorld(t)
	f := w.page.export(func(*arguments) any { panic("a bug") })
	require.Contains(t, f(safejs.Undefined(), nil), `"code":"internal"`)
}

func TestBrowserClock(t *testing.T) {
	b := newPage().browser()
	before, fired := b.Now(), make(chan time.Duration)
	b.After(time.Millisecond, func() { fired <- b.Now() })
	require.Greater(t, <-fired, before)
	b.After(time.Hour, func() { t.Error("stopped") })()
	require.Less(t, b.Random(), 1.0)
}

func TestCheckAndDescribe(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, "", w.call("check", "a.pdf", 5, `{"maxFileSize":5}`))
	require.Contains(t, w.call("check", "a.pdf", 6, `{"maxFileSize":5}`), "file-too-large")
	require.Contains(t, w.call("check", "a.pdf", 6, `{"maxFileSize":-5}`), "message-invalid")
	require.Equal(t, `{"name":"a.exe","extension":"exe","kind":"program","caution":"program"}`, w.call("describe", "../a.exe", ""))
}
