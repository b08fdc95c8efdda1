#!/usr/bin/env bash
# Checks for the tools that the tests need and installs those it can: Debian's
# chromium, clamd and Exim (as root) and the development tools of web/.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
  echo "ci/deps.sh: $*" >&2
  exit 1
}

command -v go >/dev/null || missing "go is missing: install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer"
command -v node >/dev/null || missing "node is missing: install Node.js 20 or newer"
command -v npm >/dev/null || missing "npm is missing: it comes with Node.js"
major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 20)) || missing "node $(node --version) is too old: install Node.js 20 or newer"

if ! command -v chromium >/dev/null; then
  command -v apt-get >/dev/null || missing "chromium is missing: install it so that the command chromium runs"
  [[ $(id -u) == 0 ]] || missing "chromium is missing: run apt-get install chromium as root"
  echo "installing chromium" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

# Without clamd the tests of the real scanner are skipped.
if ! command -v clamd >/dev/null && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  echo "installing clamav-daemon" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clamav-daemon >/dev/null
fi

# Without Exim the tests of mails with a real server are skipped.
if ! command -v exim4 >/dev/null && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  echo "installing exim4-daemon-light" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends exim4-daemon-light >/dev/null
fi

# npm writes that file last, so it is newer than the lock file when all tools are there.
if [[ ! web/node_modules/.package-lock.json -nt web/package-lock.json ]]; then
  npm ci --prefix web --no-audit --no-fund --loglevel=error
fi
