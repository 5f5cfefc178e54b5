# Sourced by bin/demo, bin/test, bin/nightly and bin/prepare-queries: finds Rust, PostgreSQL and a place for what is built.
# Plain bash 3.2, so that it also runs on a Mac as it comes.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Whether the user agreed to installing things: --yes, or an answer at a terminal. Without a terminal the answer is no.
yes=${CARELINE_YES:-no}
agrees() {
  [ "$yes" = yes ] && return 0
  [ -t 0 ] && [ -t 2 ] || return 1
  printf '%s [y/N] ' "$1" >&2
  local answer
  read -r answer || return 1
  case $answer in y | Y | yes) return 0 ;; *) return 1 ;; esac
}

need_rust() {
  [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ] && . "${CARGO_HOME:-$HOME/.cargo}/env"
  if ! command -v cargo >/dev/null; then
    command -v curl >/dev/null || die "curl is missing; install it, then run this again."
    if agrees "Rust is not installed. Install it with rustup, for this user only?"; then
      curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy,rustfmt
      . "${CARGO_HOME:-$HOME/.cargo}/env"
    else
      die "Rust is not installed. Run this, then try again (or pass --yes):
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
  fi
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  have=$(rustc --version | cut -d' ' -f2)
  if [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -t. -k1,1n -k2,2n | head -n1)" != "$wanted" ]; then
    die "Rust $wanted or newer is needed, $have is here. Run: rustup update stable"
  fi
  if ! command -v cc >/dev/null; then
    if [ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt_install gcc libc6-dev
    else
      die "A C compiler is missing. Run: $(hint build-essential 'xcode-select --install')"
    fi
  fi
}

# What to run, by platform: $1 is the Debian package, $2 the whole command on a Mac.
hint() {
  if [ "$(uname)" = Darwin ]; then printf '%s' "$2"; else printf 'sudo apt-get install -y %s' "$1"; fi
}

apt_install() {
  say "Installing $* ..."
  # The package would start a cluster of its own; Careline needs only the programs.
  mkdir -p /etc/postgresql-common
  [ -f /etc/postgresql-common/createcluster.conf ] ||
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt-get update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null; } ||
    die "apt-get could not install $*; run it by hand to see why."
}

# Prints the folder with initdb and postgres, version 15 or newer, or nothing.
postgres_folder() {
  local folder version
  for folder in "${PG_BIN:-}" "$(command -v pg_config >/dev/null && pg_config --bindir)" \
    $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5,5nr) \
    $(ls -d /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -r); do
    [ -n "$folder" ] && [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] || continue
    version=$("$folder/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ "$version" -ge 15 ]; then printf '%s' "$folder"; return; fi
  done
}

# Sets PG_BIN; careline looks there too.
need_postgres() {
  PG_BIN=$(postgres_folder)
  if [ -z "$PG_BIN" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt_install postgresql
    PG_BIN=$(postgres_folder)
  fi
  [ -n "$PG_BIN" ] || die "PostgreSQL 15 or newer is not here (only its programs are needed, no running server).
Run: $(hint postgresql 'brew install postgresql@17')"
  export PG_BIN
}

# Node.js with npm, for what the tests run beside the product: a sign-in provider, the carrier's own client, a browser's
# driver. `need_node FOLDER` also installs what FOLDER/package-lock.json names, when that is not there yet.
need_node() {
  local version=0
  command -v node >/dev/null && version=$(node --version | sed 's/v\([0-9]*\).*/\1/')
  if [ "$version" -lt 18 ] || ! command -v npm >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt_install nodejs npm
    else
      die "Node.js 18 or newer and npm are missing. Run: $(hint 'nodejs npm' 'brew install node')"
    fi
  fi
  # npm writes down last what it has installed, so an install that broke off is made again.
  if ! cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock.json"; then
    say "Installing the packages of $1 ..."
    (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts >/dev/null) || die "npm ci failed in $1; run it by hand to see why."
    cp "$1/package-lock.json" "$1/node_modules/.installed-lock.json"
  fi
}

# Sets TEST_CHROMIUM, and fetches what drives it.
need_browser() {
  local program
  need_node tests/browser
  for program in "${TEST_CHROMIUM:-}" "$(command -v chromium || true)" "$(command -v chromium-browser || true)" \
    "$(command -v google-chrome || true)" "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" install; do
    if [ "$program" = install ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt_install chromium
      program=$(command -v chromium || true)
    fi
    if [ -n "$program" ] && [ -x "$program" ]; then TEST_CHROMIUM=$program; break; fi
  done
  [ -x "${TEST_CHROMIUM:-}" ] || die "Chromium is missing; some stories happen in a browser. Run: $(hint chromium 'brew install --cask chromium')"
  export TEST_CHROMIUM
}

# One test verifies an export with Python's standard library, as a stranger would.
need_python() {
  if ! command -v python3 >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt_install python3
  fi
  command -v python3 >/dev/null || die "Python 3 is not here. Run: $(hint python3 'brew install python')"
}

# Where things are built: CARGO_TARGET_DIR if set, the clone's own target if it has one, else a cache outside the
# clone, so that a second clone does not compile the world again.
cache=${CARELINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/careline}
choose_target() {
  if [ -z "${CARGO_TARGET_DIR:-}" ] && [ ! -d target ] && mkdir -p "$cache/target" 2>/dev/null; then
    export CARGO_TARGET_DIR=$cache/target
  fi
  target=${CARGO_TARGET_DIR:-$PWD/target}
}

# Runs a command as somebody PostgreSQL accepts: it refuses root.
unprivileged() {
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  local user=nobody
  id postgres >/dev/null 2>&1 && user=postgres
  if command -v setpriv >/dev/null; then
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
  else
    su -s /bin/sh "$user" -c 'exec "$0" "$@"' -- "$@"
  fi
}

# Starts a private, throw-away cluster on a socket only this user can open, and sets TEST_DATABASE_SUPERUSER_URL.
# stop_cluster ends it and removes its folder.
start_cluster() {
  cluster=$(mktemp -d "${TMPDIR:-/tmp}/careline-test.XXXXXX")
  if [ "$(id -u)" = 0 ]; then
    if id postgres >/dev/null 2>&1; then chown postgres "$cluster"; else chown nobody "$cluster"; fi
  fi
  (
    cd /
    unprivileged "$PG_BIN/initdb" -D "$cluster/pg" -U postgres --auth=trust -E UTF8 --locale=C --no-sync >"$cluster/initdb.log" 2>&1 ||
      { cat "$cluster/initdb.log" >&2; die "initdb failed"; }
    unprivileged "$PG_BIN/pg_ctl" -D "$cluster/pg" -w -l "$cluster/pg/log" start \
      -o "-k $cluster -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=200" >/dev/null ||
      { cat "$cluster/pg/log" >&2; die "the test cluster did not start"; }
  )
  TEST_DATABASE_SUPERUSER_URL="postgres://postgres@localhost/postgres?host=$cluster"
  export TEST_DATABASE_SUPERUSER_URL
}

stop_cluster() {
  [ -n "${cluster:-}" ] || return 0
  (cd / && unprivileged "$PG_BIN/pg_ctl" -D "$cluster/pg" -m immediate -w stop >/dev/null 2>&1) || true
  rm -rf "$cluster"
  cluster=
}

# A migrated database for sqlx's checks; prints its URL. Migrations run as their owner, the checks as the application.
migrated_database() {
  local psql=$PG_BIN/psql file
  "$psql" -q -h "$cluster" -U postgres -d postgres -v ON_ERROR_STOP=1 \
    -f deploy/roles.sql -c "create database checked owner own_mig"
  for file in migrations/*.sql; do
    "$psql" -q -h "$cluster" -U own_mig -d checked -v ON_ERROR_STOP=1 -1 -f "$file" >/dev/null
  done
  printf 'postgres://app_rw@localhost/checked?host=%s' "$cluster"
}

# Writes the description of every checked statement into folder $1, by checking the crate against a live database.
describe_queries() {
  mkdir -p "$1"
  touch src/lib.rs
  DATABASE_URL=$2 SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$1 cargo clippy --locked --quiet --all-targets -- -D warnings
}
