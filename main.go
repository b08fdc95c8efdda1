// Attaché gives chat pages in a browser file transfer: a WebSocket proxy to Chat
// Server and a document store, with an embedded default for both, a browser module
// and a widget. The command is in package cli.
package main

import (
	_ "embed"

	"attache/cli"
)

//go:embed index.html
var page []byte

func main() { cli.Main(page) }
