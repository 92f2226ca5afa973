#!/bin/sh
# Prints the path of a Python that can carry the project, or says on standard error what to install and fails.
# In order: the project's own environment, the plain python3, versioned names on the path, the versions of pyenv.
# A name on the path proves nothing (pyenv leaves names that do not run), so every candidate is tried.
# PYTHON in the environment is the only candidate where it is set.

suitable='
import sys
if sys.version_info < (3, 12):
    raise SystemExit(1)
import ssl, sqlite3
if sqlite3.sqlite_version_info < (3, 37):
    raise SystemExit(1)
try:
    import ensurepip, venv
except ImportError:
    raise SystemExit(3)
print(sys.executable)
'
incomplete=

try() {
    found=$("$1" -I -c "$suitable" 2>/dev/null </dev/null)
    case $? in
        0) [ -n "$found" ] && printf '%s\n' "$found" && exit 0 ;;
        3) [ -n "$incomplete" ] || incomplete=$1 ;;
    esac
}

if [ -n "${PYTHON:-}" ]; then
    try "$PYTHON"
    echo "PYTHON=$PYTHON is not a Python 3.12 or newer with venv and SQLite 3.37 or newer." >&2
    exit 1
fi
for name in .venv/bin/python python3 python3.14 python3.13 python3.12; do
    try "$name"
done
for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv" "$(eval "printf '%s' ~$(id -un)" 2>/dev/null)/.pyenv"; do
    [ -d "$root/versions" ] || continue
    for version in $(ls "$root/versions" | grep -E '^3\.[0-9]+\.[0-9]+$' | sort -t . -k 2,2nr -k 3,3nr); do
        try "$root/versions/$version/bin/python"
    done
done

if [ -n "$incomplete" ]; then
    version=$("$incomplete" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$incomplete (Python $version) lacks the modules venv and ensurepip." >&2
    echo "On Debian and Ubuntu: apt-get install python$version-venv" >&2
else
    echo "Python 3.12 or newer is needed, and none was found on the path or under pyenv." >&2
    echo "Install one of these, then try again:" >&2
    echo "  Debian 13, Ubuntu 24.04 and newer: apt-get install python3 python3-venv" >&2
    echo "  Fedora: dnf install python3.13      macOS: brew install python@3.13" >&2
    echo "  anywhere with pyenv: pyenv install 3.13" >&2
    echo "A Python in an unusual place: make setup PYTHON=/path/to/python3" >&2
fi
exit 1
