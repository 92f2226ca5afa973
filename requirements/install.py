"""Puts the pinned packages into ``.venv``, and does nothing where they are there already.

Runs before anything is installed, so it uses the standard library alone. Where packages come from is the business of
pip's own configuration; what they must be is held by the hashes in the lists.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 12)
# What the lists need to be worth compiling: the product starts often, most of a test tool is never imported.
COMPILED = {"base"}

PROBE = "import sys, pip; print(sys.version_info >= (3, 12), sys.prefix)"


def is_sound() -> bool:
    """Whether ``.venv`` runs, is new enough, and still lies where it was made (its commands hold absolute paths)."""
    try:
        answer = subprocess.run(
            [PYTHON, "-I", "-c", PROBE], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        command = (VENV / "bin" / "pip").read_text(encoding="utf-8")
    except (OSError, ValueError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == f"True {VENV}" and f"{VENV}/bin/" in command


def create() -> None:
    """Makes ``.venv`` anew from the interpreter that runs this, or from the one behind it."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    print(f"Creating .venv with Python {sys.version.split()[0]}", flush=True)
    subprocess.run([base, "-m", "venv", "--clear", VENV], check=True)


def install(name: str) -> None:
    """Installs ``requirements/{name}.txt`` unless ``.venv`` holds that very list already."""
    wanted = HERE / f"{name}.txt"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{name}"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return
    print(f"Installing {wanted.relative_to(HERE.parent)}", flush=True)
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(wanted)]
    if name not in COMPILED:
        options.append("--no-compile")
    stamp.unlink(missing_ok=True)
    subprocess.run([PYTHON, "-m", "pip", "install", *options], check=True)
    stamp.write_text(digest, encoding="ascii")


def main(names: list[str]) -> None:
    """Brings ``.venv`` to where the lists ``names`` are installed."""
    if sys.version_info < OLDEST:
        raise SystemExit(f"Python 3.12 or newer is needed; this is {sys.version.split()[0]}.")
    try:
        if not is_sound():
            create()
        for name in names:
            install(name)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"This failed, its reason stands above: {' '.join(map(str, error.cmd))}") from None


if __name__ == "__main__":
    main(sys.argv[1:])
