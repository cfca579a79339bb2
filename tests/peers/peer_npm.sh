#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# @grpc/grpc-js and `buf curl` (Go) against our server, grpc-js as server of our client.
# usage: peer_npm.sh PEER_TOOL FOLDER    FOLDER gets node_modules. Exits 77 without node or packages.
set -euo pipefail
tool=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
mkdir -p "$2"
cd "$2"
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "SKIPPED: node and npm are not installed"
  exit 77
fi
if ! cmp -s "$here/package.json" package.json || [ ! -d node_modules/@grpc ]; then
  cp "$here/package.json" .
  npm install --no-audit --no-fund --no-package-lock --silent || {
    rm -f package.json
    echo "SKIPPED: npm could not install the packages of tests/peers/package.json"
    exit 77
  }
fi
cp "$here/peer_grpcjs.cjs" .
node peer_grpcjs.cjs "$tool"

coproc server { exec "$tool" serve; }
pid=$server_PID input=${server[1]} # bash forgets them as soon as the process ends
read -r port <&"${server[0]}"
url=http://127.0.0.1:$port
curl() {
  node_modules/.bin/buf curl --protocol grpc --http2-prior-knowledge "$@"
}
expect() { # expect WHAT WANTED GOT
  [ "$2" = "$3" ] || { echo "FAILED $1: got $3, want $2"; exit 1; }
  echo "ok $1"
}
services="grpc.health.v1.Health
grpc.reflection.v1.ServerReflection
grpc.reflection.v1alpha.ServerReflection
zisk.distributed.api.v1.ZiskDistributedApi"
for version in grpc-v1 grpc-v1alpha; do
  expect "buf lists by $version" "$services" "$(curl --reflect-protocol $version --list-services "$url")"
done
expect "buf calls health" '{"status":"SERVING"}' \
  "$(curl -d '{"service":""}' "$url/grpc.health.v1.Health/Check" | tr -d ' \n')"
info=$(curl -d '{}' "$url/zisk.distributed.api.v1.ZiskDistributedApi/StatusInfo" | tr -d '\n ')
expect "buf calls the API" '{"serviceName":"peertool","uptimeSeconds":"12345678901234567"}' "$info"
expect "buf lists methods" 15 \
  "$(curl --list-methods "$url" | grep -c 'ZiskDistributedApi/')"
exec {input}>&-
wait "$pid"
echo "ok our server ends cleanly"
