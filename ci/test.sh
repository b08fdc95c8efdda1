#!/usr/bin/env bash
# Everything that must pass before a change lands. Sets a new machine up first.
#
# Two lanes of steps run side by side, because tests spend half of their time
# waiting: for the disk, for an election, for a page. The second lane prints when it
# has ended.
set -euo pipefail
cd "$(dirname "$0")/.."

tmp=$(mktemp -d)
lane=
cleanup() {
  [[ -z $lane ]] || kill -- "-$lane" 2>/dev/null || true
  rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# step NAME COMMAND...: runs the command, and notes how many seconds it took.
step() {
  local name=$1 start=$SECONDS status=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || status=$?
  printf '%5d    %s\n' $((SECONDS - start)) "$name" >>"$tmp/steps"
  return $status
}

# tests DIRECTORY ARGUMENT...: go test of that module. Lint has vetted the tests.
tests() { go -C "$1" test -vet=off -json "${@:2}" | "$tmp/results" "$tmp/skipped" "$tmp/packages"; }

browser_module() { go run ./web/pack && go build -o "$tmp/results" ./ci/results; }

under_node() { GOOS=js GOARCH=wasm tests . -exec="$PWD/ci/wasm-exec.sh" ./bridge/... ./wasm; }

# Prints the totals, or all of it when a test has failed.
javascript() {
  if node --test --test-concurrency=2 web/test/*.test.js >"$tmp/javascript" 2>&1; then
    grep '^# \(tests\|pass\|skipped\|duration_ms\) ' "$tmp/javascript"
  else
    cat "$tmp/javascript"
    return 1
  fi
}

# The command and its pages are built from outside the test's own package, so a
# result that go test remembers may be stale.
in_chromium() { tests test -count=1 -parallel=4 -timeout=20m -skip='^TestShots$' ./e2e/...; }

# All steps of a lane run, so that one failure does not hide another.
second_lane() {
  local status=0
  step lint ci/lint.sh || status=1
  step "end to end in Chromium" in_chromium || status=1
  return $status
}

# More packages at once than there are cores: most of them wait.
first_lane() {
  local status=0
  step "native tests, with the race detector" tests . -race -p=3 ./... || status=1
  step "harnesses, with the race detector" tests test -race ./bench/... ./chaos/... ./siege/... ./openapi || status=1
  step "browser side under Node" under_node || status=1
  step "JavaScript under Node" javascript || status=1
  return $status
}

step dependencies ci/deps.sh
step "the browser module" browser_module

set -m # a process group of its own, which cleanup can end as a whole
second_lane >"$tmp/second" 2>&1 &
lane=$!
set +m
status=0
first_lane || status=1
wait "$lane" || status=1
lane=
cat "$tmp/second"

printf '\n== seconds of each step, side by side in two lanes, and of each package over one\n'
cat "$tmp/steps"
echo
sort -rn "$tmp/packages" | awk '$1 > 1'

# A machine without clamd, or a user who may not mount, cannot show everything.
# Root in CI can.
printf '\n== skipped here\n'
if [[ -s $tmp/skipped ]]; then
  cat "$tmp/skipped"
  if [[ -n ${CI:-} && $(id -u) == 0 ]]; then
    echo "ci/test.sh: as root, CI skips nothing" >&2
    status=1
  fi
else
  echo nothing
fi
exit $status
