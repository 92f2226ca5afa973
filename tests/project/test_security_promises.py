"""docs/security.md promises nothing without a test: each one that it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/.]+\.py(?:::\w+)*)`")
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def names_in(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """What a module or a class defines that a test can be named by."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name: node for node in body if isinstance(node, kinds)}


@pytest.mark.parametrize("named", sorted(set(NAMED.findall(PAGE))))
def test_named_test_is_there(named: str) -> None:
    path, *parts = named.split("::")
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for part in parts:
        node = names_in(body).get(part)
        assert node is not None, f"{named}: no {part}"
        body = node.body if isinstance(node, ast.ClassDef) else []
    assert not parts or parts[-1].startswith(("Test", "test_"))


def test_each_promise_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| **")]
    promises = [row for row in rows if not row.startswith(("| promise", "|---"))]
    assert len(promises) > 30
    assert [row for row in promises if not NAMED.search(row)] == []
