#!/usr/bin/env bash
# Writes the lock files anew from the *.in files, every package with its hashes and no index named.
set -euo pipefail
cd "$(dirname "$0")/.."
UV=$(command -v uv || echo .uv/bin/uv)
export UV_CUSTOM_COMPILE_COMMAND="make lock"
"$UV" pip compile -q --universal --python-version 3.8 --generate-hashes requirements/uv.in -o requirements/uv.txt "$@"
"$UV" pip compile -q --universal --python-version 3.11 --generate-hashes requirements/app.in -o requirements/app.txt "$@"
"$UV" pip compile -q --universal --python-version 3.11 --generate-hashes requirements/dev.in -o requirements/dev.txt "$@"
# The assistant runs on one version of Python, and its image on Linux.
"$UV" pip compile -q --python-version 3.10 --python-platform linux --generate-hashes requirements/bot.in -o requirements/bot.txt "$@"
