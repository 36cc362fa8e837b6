# Sourced by ./run and ./check from the repository's root: finds a Python, makes .venv, installs from a lock.
# Everything here speaks on standard error, so that standard output stays the command's own. Runs on bash 3.2.

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$0: $1"
    exit 2
}

python_fits() { # python_fits COMMAND: is it CPython 3.11 or later that can make a virtual environment?
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.implementation.name != "cpython" or sys.version_info < (3, 11))' \
        >/dev/null 2>&1
}

find_python() { # sets $python
    for python in "${TILLBOX_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if python_fits "$python"; then return; fi
    done
    if command -v python3 >/dev/null 2>&1; then
        say "$0: found $(python3 --version 2>&1), but it is too old or cannot make virtual environments."
    fi
    say "tillbox needs Python 3.11 or later with the venv module."
    say "  Debian, Ubuntu:  apt-get install python3 python3-venv"
    say "  macOS:           brew install python, or the installer of the Python project"
    die "no fitting Python. Name one with TILLBOX_PYTHON=/path/to/python3 if it lies elsewhere."
}

make_venv() {
    if [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' >/dev/null 2>&1; then return; fi
    find_python
    say "Making .venv with $("$python" --version 2>&1) ..."
    rm -rf .venv
    "$python" -m venv .venv || die "could not make .venv (see above)."
}

lock_hash() { # lock_hash NAME: changes when the lock, the project file or the place of the checkout changes
    .venv/bin/python - "$1" <<'END'
import hashlib, pathlib, sys
parts = [pathlib.Path(f"deploy/requirements/{sys.argv[1]}.txt"), pathlib.Path("pyproject.toml")]
text = b"".join(part.read_bytes() for part in parts) + str(pathlib.Path.cwd()).encode()
print(hashlib.sha256(text).hexdigest())
END
}

install_lock() { # install_lock NAME: run or dev; does nothing when this lock is already installed
    make_venv
    wanted=$(lock_hash "$1") || die "could not read the lock $1."
    stamp=.venv/installed-$1
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
    say "Installing from deploy/requirements/$1.txt (once, and again when the lock changes) ..."
    rm -f .venv/installed-*
    pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet"
    $pip --only-binary :all: --require-hashes -r "deploy/requirements/$1.txt" >&2 \
        || die "installing failed (see above). Is the network there, or the registry named in pip's settings?"
    $pip --no-deps --no-build-isolation --editable . >&2 || die "installing tillbox itself failed (see above)."
    printf '%s\n' "$wanted" >"$stamp"
    # The lock of a check holds everything of a run, in the same versions.
    if [ "$1" = dev ]; then lock_hash run >.venv/installed-run; fi
}
