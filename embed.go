package main

import _ "embed"

// indexHTML is the demo page. Only this package can embed it: go:embed reaches
// no parent folder.
//
//go:embed index.html
var indexHTML []byte
