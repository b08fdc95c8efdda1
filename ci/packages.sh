#!/usr/bin/env bash
# Lists the packages that are built for the browser: bridge, the module, and those
# that exist on no other platform.
set -euo pipefail
cd "$(dirname "$0")/.."

browser() { GOOS=js GOARCH=wasm go list "$@"; }

{
  browser ./bridge/... ./wasm/...
  comm -13 <(go list ./... | sort) <(browser ./... | sort)
} | sort -u
