#!/usr/bin/env bash
# Runs a js/wasm test binary under Node, for go test -exec. Arguments and environment
# of the binary must fit into 8 KiB, so it gets only the variables that it needs.
set -euo pipefail
major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 22)) || options=--experimental-websocket
exec env -i PATH="$PATH" HOME="${HOME:-/}" NODE_OPTIONS="${options:-}" "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" "$@"
