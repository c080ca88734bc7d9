#!/usr/bin/env bash
# Shared by the scripts in deploy/. Sourced, never run.
set -euo pipefail

# The root of the repository, wherever the caller stands.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export root

say() { printf '%s\n' "$*"; }

# fail WHAT [HINT...]: one sentence, then how to mend it.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  for hint in "$@"; do printf '  hint: %s\n' "$hint" >&2; done
  exit 1
}

# missing_packages NAME...: those that dpkg doesn't know as installed, one a line.
missing_packages() {
  local name status
  for name in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null || true)
    if [[ $status != installed ]]; then printf '%s\n' "$name"; fi
  done
}

# need_packages NAME...: installs what is missing; says what to type where that takes root.
need_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then return; fi
  command -v apt-get >/dev/null || fail "these packages are missing, and there is no apt-get: ${missing[*]}" \
    "install what your distribution calls them"
  if ((EUID != 0)); then
    fail "these Debian packages are missing: ${missing[*]}" \
      "sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
  apt-get update --quiet --quiet
  apt-get install --yes --quiet --quiet --no-install-recommends "${missing[@]}" >/dev/null
}

# need_swift: Swift 6.3 or later on the path.
need_swift() {
  local version
  command -v swift >/dev/null || fail "there is no swift on the path" "install Swift 6.3 or later: https://www.swift.org/install/linux/"
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  if [[ -z $version ]] || [[ $(printf '%s\n6.3\n' "$version" | sort --version-sort | head -n 1) != 6.3 ]]; then
    fail "Swift 6.3 or later is needed, this is ${version:-of unknown version}" "https://www.swift.org/install/linux/"
  fi
}

# build_optimised PRODUCT: with Swift's library in it, so that it runs without the toolchain, and starts in half the time; its
# directory is then in $programs. sandbox-init has no library. Whatever is built optimised is built so: with other options, all
# would be built again.
build_optimised() {
  local build=(swift build --package-path "$root" --scratch-path "$root/.build" --configuration release)
  if [[ $1 == sandbox-init ]]; then "${build[@]}" --product "$1"; else "${build[@]}" --static-swift-stdlib --product "$1"; fi
  # shellcheck disable=SC2034 # read by the scripts that source this file
  programs=$("${build[@]}" --show-bin-path)
}

# build_programs: the optimised programs, whose directory is then in $programs.
build_programs() {
  build_optimised sandbox-init
  build_optimised orchestrator
}

# need_web_tools: deno, and what drives a browser, in an environment of their own, whose directory is then in $web_tools.
need_web_tools() {
  web_tools=$root/.build-web
  local requirements=$root/Tests/Web/requirements.txt
  if cmp --silent "$requirements" "$web_tools/requirements.txt"; then return; fi
  need_packages python3 python3-venv
  rm -rf "$web_tools"
  /usr/bin/python3 -m venv "$web_tools"
  "$web_tools/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$web_tools/requirements.txt"
}

# need_browser: the same with a browser and what it writes with, and the built program, which is then $program.
need_browser() {
  need_packages chromium fonts-dejavu-core fonts-noto-color-emoji
  need_web_tools
  program=$(swift build --package-path "$root" --show-bin-path)/orchestrator
  [[ -x $program ]] || fail "orchestrator is not built" "swift build"
}

# compile_python DIRECTORY...: byte code beside the sources, for workers can't write it. Python checks it against a hash of
# the source whenever it is read, and falls back on the source: editing never leaves it stale.
compile_python() {
  /usr/bin/python3 -m compileall -q --invalidation-mode checked-hash "$@"
}

# What the build and the bundled plugins need; libarchive unpacks packages, in a sandbox. g++ stands for the C and C++ libraries that Swift links with; git and the
# certificates are SwiftPM's, which fetches the packages; zlib is what Swift's own library is linked with; the four before it are libraries that a toolchain
# from an archive loads and doesn't bring.
# shellcheck disable=SC2034 # read by the scripts that source this file
build_packages=(g++ pkg-config git ca-certificates libyaml-dev libseccomp-dev libcap-dev libsqlite3-dev python3 libarchive13
  libcurl4 libncurses6 libsqlite3-0 libxml2 zlib1g-dev)
