#!/usr/bin/env bash
# Everything that must pass before a change lands. Sets a new machine up first.
#
# One step after the other: the tests use all cores, and side by side each of them would
# only come closer to its deadline.
set -euo pipefail
cd "$(dirname "$0")/.."

# The engine syncs every write. No test can see that, except for those on a model disk, and
# on a slow disk it takes most of the time: so temporary files are in memory if that has room.
# The directory is always the same one, because go test remembers no result of another.
roomy() {
  local free memory
  free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1) && [[ -w /dev/shm ]] || return 1
  memory=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) || return 1
  ((free > 8 << 20 && memory > 8 << 20))
}
if [[ -z ${TMPDIR:-} ]] && roomy; then
  export TMPDIR=/dev/shm/attache.$UID # short: sockets' paths are below it
  mkdir -p "$TMPDIR"
  find "$TMPDIR" -mindepth 1 -maxdepth 1 -mmin +300 -exec rm -rf {} + # of runs that were killed
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [[ ${TMPDIR:-} != /dev/shm/* ]] || rmdir --ignore-fail-on-non-empty "$TMPDIR"' EXIT
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
in_chromium() { tests test -count=1 -parallel=3 -timeout=30m -skip='^TestShots$' ./e2e/...; }

step dependencies ci/deps.sh
step "the browser module" browser_module

# One failure does not hide another.
status=0
step lint ci/lint.sh || status=1
step "native tests, with the race detector" tests . -race -p=2 -timeout=20m ./... || status=1
step "harnesses, with the race detector" tests test -race -timeout=20m ./bench/... ./chaos/... ./siege/... ./openapi || status=1
step "browser side under Node" under_node || status=1
step "JavaScript under Node" javascript || status=1
step "end to end in Chromium" in_chromium || status=1

printf '\n== seconds of each step, and of each package over one\n'
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
