#!/usr/bin/env bash
# Formatting, vet, staticcheck and types, for the native and the browser side, and
# the few things that only grep can forbid.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0

fail() {
  echo "ci/lint.sh: $*" >&2
  status=1
}

# sources PATTERN...: our files, committed or not.
sources() { git ls-files --cached --others --exclude-standard -- "$@"; }

# forbid REASON PATTERN PATHSPEC...
forbid() {
  local reason=$1 pattern=$2
  shift 2
  if git grep --untracked -nE -e "$pattern" -- "$@"; then
    fail "$reason"
  fi
}

unformatted=$(sources '*.go' | xargs -r gofmt -l)
[[ -z $unformatted ]] || fail "not formatted, run make fmt:" $unformatted

# A failed vet must not hide the findings of the others.
staticcheck=$(go tool -n staticcheck)
for module in . test; do
  go -C "$module" vet ./... || fail "go vet in $module"
  (cd "$module" && "$staticcheck" ./...) || fail "staticcheck in $module"
done
go vet -tags=chaos ./proxy/objects || fail "go vet of the tests of make chaos"
mapfile -t browser < <(ci/packages.sh)
GOOS=js GOARCH=wasm go vet "${browser[@]}" || fail "go vet for the browser"
GOOS=js GOARCH=wasm "$staticcheck" "${browser[@]}" || fail "staticcheck for the browser"
(cd test && GOOS=js GOARCH=wasm go vet ./bench/empty ./bench/naive ./e2e/probe) || fail "go vet for the browser in test"

if tsc=$PWD/web/node_modules/.bin/tsc && [[ -x $tsc ]]; then
  "$tsc" -p web || fail "types"
  checked=$("$tsc" -p web --listFilesOnly)
  for file in $(sources 'web/*.js' 'web/*.d.ts' ':!web/test'); do
    grep -qxF "$PWD/$file" <<<"$checked" || fail "tsc does not see $file: use it in web/test/usage.ts"
  done
else
  fail "the TypeScript compiler is missing, run make deps"
fi

page=('*.html' '*.js')
forbid "strings must not become markup: make elements" '\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b' "${page[@]}"
forbid "a strict Content-Security-Policy refuses inline style" "[[:space:]]style=|setAttribute\\(['\"]style['\"]" "${page[@]}"
forbid "a strict Content-Security-Policy refuses inline scripts" '<script>|[[:space:]]on[a-z]+="' index.html web ':!web/test'
forbid "no code from strings" '\beval\(|new Function\(' "${page[@]}"
forbid "old pages bend Array.from and toJSON: use key.js, json.js or a loop" '\bArray\.from\(|JSON\.stringify\(' 'web/*.js' ':!web/session/json.js' ':!web/demo' ':!web/test'
for file in $(git grep --untracked -lE 'time\.Sleep\(' -- '*_test.go'); do
  grep -q '"testing/synctest"' "$file" || fail "$file: wait for the event, not with time.Sleep"
done

exit $status
