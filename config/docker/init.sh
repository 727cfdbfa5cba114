#!/bin/sh
# Makes the homes of four organisations for docker-compose.yml, once. Only to try things out: in earnest each organisation
# makes its own keys on its own machine (config/genesis-seven.yaml), and nobody ever sees the keys of another.
set -eu

HOMES=/homes
PLAN=/tmp/plan

make_home() {
  organisation=$1
  title=$2
  home=$HOMES/$organisation
  if [ ! -e "$home/node.yaml" ]; then
    linli keys node --home "$home" --organisation "$organisation" --title "$title" --role "$organisation" \
      --address "/dns4/$organisation/tcp/26000"
    # Clients come from outside the container; docker-compose.yml publishes the port on this machine only.
    printf 'rpc:\n  host: 0.0.0.0\n' >>"$home/node.yaml"
  fi
  cp "$home/member.json" "$PLAN/members/$organisation.json"
}

mkdir -p "$PLAN/members"
cp /app/config/genesis-four.yaml "$PLAN/plan.yaml"
make_home property "阳光物业服务有限公司 · Property Company"
make_home street "阳光街道办事处 · Street Office"
make_home provider "快修设备服务有限公司 · Service Provider"
make_home government "住房和城乡建设局 · Housing Authority"

# The first home's genesis is everybody's. It is made whole elsewhere and then moved, so that an interrupted run can be
# repeated and never leaves two different ones.
if [ ! -e "$HOMES/property/genesis.json" ]; then
  linli genesis "$PLAN/plan.yaml" --out "$HOMES/property/genesis.json.new"
  mv "$HOMES/property/genesis.json.new" "$HOMES/property/genesis.json"
fi
for organisation in street provider government; do
  cp "$HOMES/property/genesis.json" "$HOMES/$organisation/genesis.json"
done
chown -R node:node "$HOMES"
echo "homes are ready"
