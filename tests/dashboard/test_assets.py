"""What is served besides pages: vendored files, icons, and how much all of it weighs."""

import hashlib
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from dashboard import icons
from dashboard.context import navigation
from invites.models import User
from invites.templatetags.interface import LOOKS
from tests.dashboard.test_context import request_of

BASE = Path(settings.BASE_DIR)
VENDOR = BASE / "static" / "vendor"
SPRITE = icons.SPRITE.read_text(encoding="utf-8")
SOURCES = [
    *sorted((BASE / "templates").rglob("*.html")),
    *sorted((BASE / "invites").rglob("*.py")),
    *sorted((BASE / "dashboard").rglob("*.py")),
]
ICON = re.compile(r"""\{%\s*icon\s+"([\w-]+)"|\bicon="([\w-]+)"|\bicon\("([\w-]+)"\)""")


def symbols() -> set[str]:
    return set(re.findall(r'<symbol id="([\w-]+)"', SPRITE))


class TestIcons:
    """The sprite."""

    def test_it_holds_exactly_what_the_list_names(self) -> None:
        listed = (icons.STATIC / "icons.txt").read_text(encoding="utf-8")
        assert symbols() == set(icons.wanted(listed)), "Rebuild it: python -m dashboard.icons FOLDER"

    def test_it_holds_every_icon_that_a_source_names(self) -> None:
        named = {
            name: source.relative_to(BASE).as_posix()
            for source in SOURCES
            for match in ICON.findall(source.read_text(encoding="utf-8"))
            for name in match
            if name
        }
        assert len(named) > 10
        assert {name: source for name, source in named.items() if name not in symbols()} == {}

    def test_it_holds_the_icons_of_states_and_places(self, administrator: User) -> None:
        named = {look.icon for looks in LOOKS.values() for look in looks.values()}
        named |= {entry.icon for entry in navigation(request_of(administrator), administrator)}
        assert named - symbols() == set()

    def test_symbol_keeps_the_shapes_and_drops_the_square(self) -> None:
        svg = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" stroke-width="2">
          <path stroke="none" d="M0 0h24v24H0z" fill="none" />
          <path d="M5 12l14 0" />
        </svg>"""
        symbol = icons.symbol("minus", svg)
        assert symbol.startswith('<symbol id="minus" viewBox="0 0 24 24" fill="none" stroke="currentColor"')
        assert symbol.endswith('><path d="M5 12l14 0" /></symbol>')

    def test_file_that_is_no_outline_icon_is_refused(self) -> None:
        with pytest.raises(ValueError, match="logo is not an outline icon"):
            icons.symbol("logo", '<svg viewBox="0 0 100 100"><path d="M0 0"/></svg>')

    def test_unknown_name_is_told(self, tmp_path: Path) -> None:
        before = icons.SPRITE.read_bytes()
        assert icons.main([str(tmp_path)]).startswith("There is no such icon: ")
        assert icons.SPRITE.read_bytes() == before


class TestVendored:
    """Files that others wrote."""

    def test_each_is_the_one_on_record(self) -> None:
        rows = re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", self.record(), re.MULTILINE)
        assert len(rows) == 2
        for name, digest in rows:
            assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name

    def test_each_folder_is_on_record_and_has_its_licence(self) -> None:
        for folder in (path for path in VENDOR.iterdir() if path.is_dir()):
            assert f"`{folder.name}/" in self.record()
            assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")

    def test_record_names_no_download_address(self) -> None:
        assert "://" not in self.record()

    def record(self) -> str:
        return (VENDOR / "VERSIONS.md").read_text(encoding="utf-8")


class TestServing:
    """What reaches the browser."""

    def test_files_can_be_hashed_and_compressed(self, settings: Settings, tmp_path: Path) -> None:
        settings.STATIC_ROOT = tmp_path
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        settings.STORAGES = settings.STORAGES | {
            "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
        }
        call_command("collectstatic", interactive=False, verbosity=0)
        assert list(tmp_path.glob("css/app.*.css.br"))
        assert list(tmp_path.glob("vendor/tabler/tabler.min.*.css.br"))

    def test_first_load_stays_within_150_kilobytes(self, db: None) -> None:
        page = Client().get("/sign-in/").content
        linked = set(re.findall(r'(?:src|href)="/static/([^"#]+)', page.decode()))
        linked.add("vendor/tabler-icons/sprite.svg")
        assert len(linked) > 5
        weight = len(page)
        for name in linked:
            path = finders.find(name)
            assert path, name
            weight += len(brotli.compress(Path(path).read_bytes(), quality=9))
        assert weight < 150_000
