#!/usr/bin/env bash
# Builds the demo and starts it. The first build compiles everything, which takes two to
# three minutes on two cores: a step that takes long reports what it is doing. A warm one
# is quick and silent.
set -euo pipefail

ticker=
trap '[[ -z $ticker ]] || kill "$ticker" 2>/dev/null || true' EXIT

# step WHAT COMMAND...: after two seconds it reports what the command builds, then every
# ten seconds that it still does, and at the end how long it took.
step() {
  local what=$1 begun=$SECONDS
  shift
  (
    pause() { sleep "$1" </dev/null >/dev/null 2>&1; }
    pause 2
    echo "building $what"
    while pause 10; do echo "  still building, $((SECONDS - begun)) s"; done
  ) >&2 &
  ticker=$!
  "$@" >/dev/null
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
  if ((SECONDS - begun > 2)); then echo "  done in $((SECONDS - begun)) s" >&2; fi
}

step "the browser module (WebAssembly); the first time takes about a minute on two cores" go run ./web/pack
step "the command, with its embedded store; the first time takes one to two minutes on two cores" go run . version
exec go run . demo "$@"
