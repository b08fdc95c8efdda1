#!/usr/bin/env bash
# Everything that must pass before a change lands. Sets a new machine up first.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# tests DIRECTORY ARGUMENT...: go test of that module, and what it skips is noted.
tests() { go -C "$1" test -json "${@:2}" | "$tmp/skipped" "$tmp/list"; }

step dependencies
ci/deps.sh

step "the browser module"
go run ./web/pack
go build -o "$tmp/skipped" ./ci/skipped

step lint
ci/lint.sh

step "native tests, with the race detector"
tests . -race ./...
tests test -race ./bench/... ./chaos/... ./siege/...

step "browser side under Node"
GOOS=js GOARCH=wasm tests . -exec="$PWD/ci/wasm-exec.sh" ./bridge/... ./wasm

step "JavaScript under Node"
node --test web/test/

# The command and its pages are built from outside the test's own package, so
# a result that go test remembers may be stale.
step "end to end in Chromium"
tests test -count=1 -timeout=20m -skip='^TestShots$' ./e2e/...

# A machine without clamd, or a user who may not mount, cannot show everything.
# Root in CI can.
step "skipped here"
if [[ -s $tmp/list ]]; then
  cat "$tmp/list"
  if [[ -n ${CI:-} && $(id -u) == 0 ]]; then
    echo "ci/test.sh: as root, CI skips nothing" >&2
    exit 1
  fi
else
  echo nothing
fi
