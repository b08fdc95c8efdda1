#!/usr/bin/env bash
# Everything that must pass before a change lands. Sets a new machine up first.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step dependencies
ci/deps.sh

step "the browser module"
go run ./web/pack

step lint
ci/lint.sh

step "native tests, with the race detector"
go list ./... | awk '!/\/e2e/' | xargs go test -race

step "browser side under Node"
GOOS=js GOARCH=wasm go test -exec="$PWD/ci/wasm-exec.sh" ./bridge/... ./wasm/...

step "JavaScript under Node"
node --test web/test/

# The command and its pages are built from outside the test's own package, so
# a result that go test remembers may be stale.
step "end to end in Chromium"
go list ./... | awk '/\/e2e/' | xargs -r go test -count=1 -timeout=20m
