#!/usr/bin/env bash
# Makes the two Python environments, or does nothing when they are as the lock files want them.
#   requirements/environments.sh app | dev | bot ...
# app: .venv with app.txt; dev: .venv with dev.txt (a superset, for tests); bot: .venv-bot with bot.txt (Python 3.10).
# Nothing is written outside the project folder but the package installers' caches.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '  %s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# A shim of pyenv may stand on the path and not run, so each candidate has to answer.
runs() { "$1" -c "import sys, venv; sys.exit(0 if $2 else 1)" >/dev/null 2>&1; }

find_python() {  # condition, candidate ...
  local condition=$1 candidate; shift
  for candidate in "$@"; do
    candidate=$(command -v "$candidate" 2>/dev/null) || continue
    if runs "$candidate" "$condition"; then printf '%s\n' "$candidate"; return 0; fi
  done
  return 1
}

pyenv_pythons() {  # version prefix
  local root; for root in "${PYENV_ROOT:-}" "$HOME/.pyenv"; do
    [ -n "$root" ] && ls -d "$root/versions/$1"*/bin/python 2>/dev/null
  done || true
}

uv_command() {  # uv from the path, else our own copy; empty when neither can be had
  if command -v uv >/dev/null 2>&1; then command -v uv; return; fi
  if [ ! -x .uv/bin/uv ]; then
    "$1" -m venv .uv >&2 && .uv/bin/python -m pip --disable-pip-version-check install -qq --require-hashes -r requirements/uv.txt >&2 || return 0
  fi
  printf '%s\n' "$PWD/.uv/bin/uv"
}

stamp() { cat "$@" | sha256sum | cut -d' ' -f1; }

install() {  # environment, python, lock file
  local environment=$1 python=$2 lock=$3 wanted
  wanted="$(stamp "$lock") $("$python" -c 'import sys; print(sys.version_info[:2])') $PWD"
  if [ -x "$environment/bin/python" ] && [ "$(cat "$environment/.installed" 2>/dev/null)" = "$wanted" ]; then return 0; fi
  say "Installing $(grep -c '^[a-z]' "$lock") packages into $environment ($4)"
  rm -f "$environment/.installed"
  if [ -n "$UV" ]; then
    [ -x "$environment/bin/python" ] || "$UV" venv -q --python "$python" "$environment"
    "$UV" pip sync -q --python "$environment/bin/python" --require-hashes "$lock"
  else
    [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
    "$environment/bin/python" -m pip --disable-pip-version-check install -q --require-hashes -r "$lock"
  fi
  printf '%s' "$wanted" > "$environment/.installed"
}

APP_PYTHON=$(find_python 'sys.version_info >= (3, 11)' python3.11 python3.12 python3.13 python3 $(pyenv_pythons 3.11) $(pyenv_pythons 3.12)) || APP_PYTHON=
UV=$(uv_command "${APP_PYTHON:-python3}")

for part in "$@"; do
  case $part in
    app | dev)
      [ -n "$APP_PYTHON" ] || fail "Own Words needs Python 3.11 or later: install it (Debian: apt-get install python3 python3-venv) and run this again."
      # What `make test` installed also serves `make run`: never take packages away for a lesser wish.
      if [ "$part" = app ] && [ "$(cut -d' ' -f1 .venv/.installed 2>/dev/null)" = "$(stamp requirements/dev.txt)" ]; then part=dev; fi
      install .venv "$APP_PYTHON" "requirements/$part.txt" "about 250 MB to download"
      # The package itself, as it stands in this folder; setuptools is in the lock file, so nothing is fetched.
      own="$(stamp pyproject.toml) $PWD"
      if [ "$(cat .venv/.own 2>/dev/null)" != "$own" ] || ! [ -x .venv/bin/ownwords ]; then
        if [ -n "$UV" ]; then "$UV" pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
        else .venv/bin/python -m pip --disable-pip-version-check install -q --no-deps --no-build-isolation -e .; fi
        printf '%s' "$own" > .venv/.own
      fi ;;
    bot)
      if [ -x .venv-bot/bin/python ] && runs .venv-bot/bin/python 'sys.version_info[:2] == (3, 10)'; then
        python=.venv-bot/bin/python
      else
        python=$(find_python 'sys.version_info[:2] == (3, 10)' python3.10 $(pyenv_pythons 3.10)) || python=
        if [ -z "$python" ] && [ -n "$UV" ]; then
          export UV_PYTHON_INSTALL_DIR="$PWD/.uv/python"
          say "No Python 3.10 here: fetching one"
          "$UV" python install -q 3.10 2>/dev/null && python=$("$UV" python find 3.10 2>/dev/null) || python=
        fi
        [ -n "$python" ] || fail "The assistant needs Python 3.10 (Rasa runs on no later one) and none could be found or fetched: install it, for example with 'pyenv install 3.10', and run this again."
      fi
      install .venv-bot "$python" requirements/bot.txt "about 750 MB to download" ;;
    *) fail "usage: requirements/environments.sh app|dev|bot ..." ;;
  esac
done
