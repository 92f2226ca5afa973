"""What the guides name is there: commands with their options, targets of make, files, and what they link to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
FOLDERS = ("dashboard", "docs", "invites", "requirements", "static", "templates", "tests")

pytestmark = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)


def lines_of_code(guide: Path) -> Iterator[str]:
    """What is to be typed, or is a name of ours."""
    text = guide.read_text(encoding="utf-8")
    for block in FENCED.findall(text):
        yield from block.splitlines()
    yield from INLINE.findall(FENCED.sub("", text))


def test_commands_are_there_and_take_their_options(guide: Path) -> None:
    commands = get_commands()
    for line in lines_of_code(guide):
        for name, rest in re.findall(r"manage\.py (\w+)([^|&#;]*)", line):
            assert name in commands, line
            command = load_command_class(str(commands[name]), name)
            taken = {
                option
                for action in command.create_parser("", name)._actions
                for option in action.option_strings
            }
            assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= taken, line


def test_targets_of_make_are_there(guide: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for line in lines_of_code(guide) for name in re.findall(r"(?:^|&& )make ([a-z]+)", line)}
    assert named <= targets


def test_files_are_there(guide: Path) -> None:
    named = [
        line for line in lines_of_code(guide) if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w/.@-]+", line)
    ]
    assert [
        name for name in named if not ((ROOT / name).exists() or (ROOT / "templates" / name).exists())
    ] == []


def test_links_lead_somewhere(guide: Path) -> None:
    text = FENCED.sub("", guide.read_text(encoding="utf-8"))
    named = {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}
    assert [link for link in named if not (guide.parent / link).exists()] == []
