"""Finds the programs that the tests drive, installs them where it may (root on Debian), or says what is missing.

Standard library only: it runs on a machine where nothing has been prepared.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

OLDEST_POSTGRES = 15
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
CHROMIUM_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/snap/bin/chromium",
)
POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class Missing(SystemExit):
    """Something is not installed here and may not be installed by us; the text says what to type."""


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, or None."""
    named = (shutil.which(name) for name in CHROMIUM_NAMES)
    placed = (place for place in CHROMIUM_PLACES if Path(place).is_file())
    return next(filter(None, named), None) or next(placed, None)


def find_nginx() -> str | None:
    """The path of nginx, also where only root has its folder on the path; or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def find_postgres() -> Path | None:
    """The folder with the newest PostgreSQL server's programs, 15 or newer, or None."""
    best = max(_postgres_servers(), default=(0, Path()))
    return best[1] if best[0] >= OLDEST_POSTGRES else None


def _postgres_servers() -> Iterator[tuple[int, Path]]:
    """(major version, folder) of each server found."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for pattern in POSTGRES_PLACES:
        folders += Path("/").glob(pattern.removeprefix("/"))
    for folder in folders:
        if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
            continue
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
        if match := re.search(r"\) (\d+)", answer.stdout):
            yield int(match[1]), folder


def has_trigrams() -> bool:
    """Whether the server that would be used comes with the extension pg_trgm (PostgreSQL's contrib package)."""
    folder = find_postgres()
    if folder is None or not (folder / "pg_config").is_file():
        return folder is not None
    answer = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
    return (Path(answer.stdout.strip()) / "extension" / "pg_trgm.control").is_file()


def has_chinese_font() -> bool:
    """Whether Chinese would be drawn with letters; a system without fontconfig is trusted to have them."""
    if shutil.which("fc-list") is None:
        return sys.platform != "linux"
    return bool(
        subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout.strip()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that the tests need: how to see whether it is there, and its package on each kind of system."""

    title: str
    is_there: Callable[[], bool]
    packages: dict[str, str] = field(default_factory=dict)


NEEDS = {
    "postgresql": Need(
        title=f"PostgreSQL {OLDEST_POSTGRES} or newer, with pg_trgm",
        is_there=has_trigrams,
        packages={
            "apt-get": "postgresql",
            "dnf": "postgresql-server postgresql-contrib",
            "pacman": "postgresql",
            "apk": "postgresql postgresql-contrib",
            "brew": "postgresql@17",
        },
    ),
    "chromium": Need(
        title="Chromium",
        is_there=lambda: find_chromium() is not None,
        packages={
            "apt-get": "chromium",
            "dnf": "chromium",
            "pacman": "chromium",
            "apk": "chromium",
            "brew": "--cask chromium",
        },
    ),
    "font": Need(
        title="a font with Chinese characters",
        is_there=has_chinese_font,
        packages={
            "apt-get": "fonts-noto-cjk fontconfig",
            "dnf": "google-noto-sans-cjk-fonts",
            "pacman": "noto-fonts-cjk",
            "apk": "font-noto-cjk fontconfig",
        },
    ),
    "nginx": Need(
        title="nginx",
        is_there=lambda: find_nginx() is not None,
        packages=dict.fromkeys(("apt-get", "dnf", "pacman", "apk", "brew"), "nginx"),
    ),
    "gettext": Need(
        title="gettext (xgettext, msgmerge)",
        is_there=lambda: all(map(shutil.which, ("xgettext", "msgmerge", "msguniq", "msgattrib"))),
        packages=dict.fromkeys(("apt-get", "dnf", "pacman", "apk", "brew"), "gettext"),
    ),
}
INSTALL = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "apk": "apk add",
    "brew": "brew install",
}


def ensure(*names: str) -> None:
    """Sees to it that each of ``names`` (keys of NEEDS) is on this machine. Raises Missing where it cannot."""
    absent = [NEEDS[name] for name in names if not NEEDS[name].is_there()]
    if absent and _may_install():
        _install(" ".join(need.packages["apt-get"] for need in absent).split())
        absent = [need for need in absent if not need.is_there()]
    if absent:
        raise Missing(_advice(absent))


def _may_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and bool(shutil.which("apt-get"))


def _install(packages: list[str]) -> None:
    """Installs Debian packages without a question; its own words go to standard error."""
    print(f"Installing {', '.join(packages)}", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-o", "Dpkg::Use-Pty=0", "--yes", "--no-install-recommends", *packages],
    ):
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def _advice(absent: list[Need]) -> str:
    manager = next(filter(shutil.which, INSTALL), None)
    lines = ["The tests need what is not on this machine:", *(f"  - {need.title}" for need in absent)]
    packages = " ".join(filter(None, (need.packages.get(manager or "", "") for need in absent)))
    if manager and packages:
        sudo = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
        lines += ["Install it with", f"  {sudo}{INSTALL[manager]} {packages}"]
    return "\n".join(lines)


if __name__ == "__main__":
    ensure(*(sys.argv[1:] or NEEDS))
