//go:build js && wasm

// Command naive is the benchmark's peer with the obvious implementation: a Go module
// in the browser reads a file piece by piece into a []byte and
// writes each piece to a coder/websocket connection. It is measured, never
// shipped.
package main

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/coder/websocket"
)

// unit is the size of one message. Smaller ones are slower, and a reader of
// the server's default limit would take 32 KiB only.
const unit = 256 << 10

func main() {
	js.Global().Set("naiveUpload", js.FuncOf(func(_ js.Value, args []js.Value) any {
		address, file := args[0].String(), args[1]
		return promise(func() (string, error) { return upload(address, file) })
	}))
	select {}
}

// upload sends the file and returns what the server says in the end.
func upload(address string, file js.Value) (string, error) {
	ctx := context.Background()
	socket, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return "", err
	}
	defer socket.CloseNow()
	size := file.Get("size").Int()
	piece := make([]byte, unit)
	for offset := 0; offset < size; offset += unit {
		buffer, err := await(file.Call("slice", offset, min(offset+unit, size)).Call("arrayBuffer"))
		if err != nil {
			return "", err
		}
		n := js.CopyBytesToGo(piece, js.Global().Get("Uint8Array").New(buffer))
		if err := socket.Write(ctx, websocket.MessageBinary, piece[:n]); err != nil {
			return "", err
		}
	}
	if err := socket.Write(ctx, websocket.MessageText, []byte("end")); err != nil {
		return "", err
	}
	_, answer, err := socket.Read(ctx)
	return string(answer), err
}

func await(promise js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	settled := make(chan outcome, 1)
	fulfilled := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{value: args[0]}
		return nil
	})
	defer fulfilled.Release()
	rejected := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	defer rejected.Release()
	promise.Call("then", fulfilled, rejected)
	o := <-settled
	return o.value, o.err
}

func promise(work func() (string, error)) js.Value {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		resolve, reject := args[0], args[1]
		go func() {
			answer, err := work()
			if err != nil {
				reject.Invoke(js.Global().Get("Error").New(err.Error()))
				return
			}
			resolve.Invoke(answer)
		}()
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}
