#!/usr/bin/env bash
# Builds AzureIaaS, and runs its demo, tests and benchmarks. On Debian and Ubuntu it installs what is missing.
#
#   ./build.sh build    the module and the command line, into bin/
#   ./build.sh demo     two disk images become two running machines, and one remembers its boots
#   ./build.sh test     every test there is
#   ./build.sh bench    speed, as ratios to qemu-img and cp
#   ./build.sh soak     the long forms of the tests: hours, if you let it
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

need_sdk() {
  if ! command -v dotnet >/dev/null || ! dotnet --version >/dev/null 2>&1; then
    echo "build.sh: the .NET SDK 10 is missing (or older). Install it from https://dotnet.microsoft.com/download" >&2
    exit 12
  fi
}

# Installs the Debian packages whose tools or files are not there. Each line of the lists: install PACKAGE TOOL-OR-FILE...
need_packages() {
  local missing=() action package probes probe
  while read -r action package probes; do
    [ "$action" = install ] || continue
    for probe in $probes; do
      if ! command -v "$probe" >/dev/null 2>&1 && [ ! -e "$probe" ]; then missing+=("$package"); break; fi
    done
  done < <(cat tests/packages.txt tests/Guests/linux/packages.txt)
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "build.sh: these are missing and this system has no apt: ${missing[*]} (Debian's names). Install their equals and run this again." >&2
    exit 12
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  echo "build.sh: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The storage emulator that uploads are tested against. Nothing of the product needs it; without it those tests are skipped, and say so.
offer_azurite() {
  local folder="${XDG_CACHE_HOME:-$HOME/.cache}/azureiaas/azurite"
  if command -v azurite-blob >/dev/null || [ -x "$folder/node_modules/.bin/azurite-blob" ] || ! command -v npm >/dev/null; then return 0; fi
  echo "build.sh: installing azurite in $folder"
  mkdir -p "$folder"
  npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts azurite@3.37.0 || echo "build.sh: azurite could not be installed; its tests will be skipped" >&2
}

build() { dotnet build AzureIaaS.slnx -c Release -v quiet --nologo; }
run() { dotnet run -c Release --no-build --project "$@"; }

case "${1:-help}" in
  build) need_sdk; build ;;
  demo) need_sdk; need_packages; build; run tests/Demo -- "${@:2}" ;;
  test) need_sdk; need_packages; offer_azurite; build; run tests/Runner -- "${@:2}" ;;
  bench) need_sdk; need_packages; offer_azurite; build; run tests/Benchmarks -- "${@:2}" ;;
  soak) need_sdk; need_packages; offer_azurite; build; run tests/Runner -- --soak "${@:2}" ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; [ "${1:-help}" = help ] || exit 2 ;;
esac
