#!/bin/bash
# All tests of the VS Code client: types, lint, unit tests, the package; and in a real VS Code the
# API's side (mocha in the extension host) and a story of what a person does in the workbench.
# Sets up what it needs. Caches are in .cache/ at the top of the repository, which git ignores.
# HOTPLATE_WHEEL names a built wheel of the server, CHROMIUM a browser; else both are found or made.
# PICTURES=1 takes the story's pictures over into docs/images/ and images/, for the READMEs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
cache=$(cd .. && pwd)/.cache
screenshots=$cache/screenshots
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

say() { printf '\n== %s\n' "$*"; }
check() { # check NAME COMMAND...: one test
  say "$1"
  local name=$1 begun=$SECONDS
  shift
  if "$@"; then
    passed=$((passed + 1)); echo "✓ $name ($((SECONDS - begun)) s)"
  else
    failed=$((failed + 1)); echo "✗ $name"; return 1
  fi
}
finish() {
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
  exit
}

# ------------------------------------------------------------ the story's needs

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else echo "(with sudo: $*)"; sudo -n "$@"; fi
}
find_chromium() { # sets CHROMIUM, by installing Debian's if there is none
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && CHROMIUM=$(command -v "$name"); then export CHROMIUM; return; fi
  done
  command -v apt-get > /dev/null || return 1
  echo "There is no Chromium: installing Debian's."
  as_root apt-get update -qq \
    && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > "$scratch/apt.log" 2>&1 \
    && CHROMIUM=$(command -v chromium) && export CHROMIUM && return
  tail -n 5 "$scratch/apt.log"
  return 1
}
skip_story() {
  echo "SKIPPED: the tests in a real VS Code. $*"
  if [ -n "${CI:-}" ]; then failed=$((failed + 1)); fi
  finish
}

# ------------------------------------------------------------ the tests

say "npm ci"
stamp=$(cksum < package-lock.json)
if [ "$(cat node_modules/.hotplate-stamp 2>/dev/null)" != "$stamp" ]; then
  if ! npm ci --ignore-scripts --no-fund; then failed=1; finish; fi
  echo "$stamp" > node_modules/.hotplate-stamp
fi

check "types" npm run --silent check
check "lint" npm run --silent lint
check "texts for translators" npm run --silent l10n -- --check

say "unit tests"
npm run --silent test:unit > "$scratch/unit.log" 2>&1 || grep -A 12 '^ *not ok' "$scratch/unit.log"
unit_passed=$(sed -n 's/^# pass //p' "$scratch/unit.log")
unit_failed=$(sed -n 's/^# fail //p' "$scratch/unit.log")
if [ -z "$unit_passed" ]; then cat "$scratch/unit.log"; fi
passed=$((passed + ${unit_passed:-0})) failed=$((failed + ${unit_failed:-1}))
echo "${unit_passed:-0} passed, ${unit_failed:-1} failed"

package() {
  rm -f hotplate-*.vsix
  npm run --silent package > "$scratch/package.log" 2>&1 || { cat "$scratch/package.log"; return 1; }
  if grep -i 'WARNING .*\(vsce\|LICENSE\|repository\|bundle\|activat\)' "$scratch/package.log"; then
    echo "vsce has warned."; return 1
  fi
  tail -n 1 "$scratch/package.log"
  [ "$(wc -c < hotplate-*.vsix)" -lt 5000000 ] || { echo "The package is over 5 MB."; return 1; }
}
check "package" package || finish

say "a real VS Code"
platform=$(uname -s)-$(uname -m)
[ "$platform" = Linux-x86_64 ] || skip_story "The VS Code that it runs in is laid for Linux-x86_64, and this is $platform."
find_chromium || skip_story "There is no Chromium (Debian's package chromium), and it could not be installed."
install_workbench() {
  timeout 900 bash test/workbench/install.sh "$cache/workbench" > "$scratch/workbench.log" 2>&1 \
    || { tail -n 20 "$scratch/workbench.log"; return 1; }
}
echo "VS Code is laid into $cache/workbench (once; about a minute and 850 MB)."
install_workbench || skip_story "The npm package code-server could not be laid."
vsix=$(echo "$PWD"/hotplate-*.vsix)
count() { # count WHAT SECONDS COMMAND...: many tests, which the command counts in $scratch/result
  say "$1"
  local limit=$2 more_passed more_failed
  shift 2
  rm -f "$scratch/result"
  timeout --kill-after=20 "$limit" "$@"
  read -r more_passed more_failed < "$scratch/result" || more_passed=0 more_failed=1
  passed=$((passed + more_passed)) failed=$((failed + more_failed))
}
count "in the extension host" 280 node test/exthost/run.mjs "$vsix" "$cache/workbench" "$scratch/result"
count "in the workbench" 540 node test/story/story.mjs "$vsix" "$cache/workbench" "$screenshots" "$scratch/result"
echo "Screenshots: $screenshots"
if [ -n "${PICTURES:-}" ] && [ "$failed" -eq 0 ]; then
  cp "$screenshots"/pictures/*.png ../docs/images/
  for name in running menu problem debugger settings exceptions; do
    cp "$screenshots/pictures/$name.png" images/
  done
fi
finish
