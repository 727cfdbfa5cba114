#!/bin/sh
# Makes a local stand-in for the image node:24-bookworm-slim, for machines that reach Debian's and npm's registries but no
# registry of images: a minimal Debian, the Node pinned in node_modules, and this machine's npm and CA bundle. The result
# stays on this machine. Needs docker, mmdebstrap and `npm ci`; run it from the project's root:
#   sh test/docker/base-image.sh && docker build --network host -t linli . && docker-compose up -d
set -eu

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
NPM=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
NODE=$(node -p 'require("node:fs").realpathSync("node_modules/.bin/node")')
BUNDLE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

mmdebstrap --variant=minbase --include=ca-certificates,libstdc++6 \
  --customize-hook='chroot "$1" groupadd -g 1000 node' \
  --customize-hook='chroot "$1" useradd -u 1000 -g node -m -s /bin/bash node' \
  bookworm "$WORK/image.tar"

TREE=$WORK/tree
mkdir -p "$TREE/usr/local/bin" "$TREE/usr/local/lib/node_modules" "$TREE/usr/local/share/ca-certificates"
cp "$NODE" "$TREE/usr/local/bin/node"
cp -r "$NPM" "$TREE/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$TREE/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$TREE/usr/local/bin/npx"
cp "$BUNDLE" "$TREE/usr/local/share/ca-certificates/host-bundle.pem"
# Each file or top folder once: a directory that stands in the archive twice cannot be imported.
tar -C "$TREE" --owner=0 --group=0 -rf "$WORK/image.tar" usr/local/bin/node usr/local/bin/npm usr/local/bin/npx \
  usr/local/lib/node_modules/npm usr/local/share/ca-certificates/host-bundle.pem

docker import \
  -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  -c 'ENV NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/host-bundle.pem' \
  -c 'CMD ["node"]' \
  "$WORK/image.tar" node:24-bookworm-slim
