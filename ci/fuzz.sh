#!/usr/bin/env bash
# Runs every fuzz target for a short while: FUZZTIME each, 10s by default. Minimizing is
# kept short, because where other goroutines run every input looks interesting.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=$(git grep --untracked -oE '^func Fuzz\w+' -- '*_test.go' || true)
while IFS=: read -r file func; do
  [[ -n $file ]] || continue
  echo "== ./$(dirname "$file") ${func#func }"
  go test -run='^$' -fuzz="^${func#func }\$" -fuzztime="${FUZZTIME:-10s}" -fuzzminimizetime=10x "./$(dirname "$file")"
done <<<"$targets"
