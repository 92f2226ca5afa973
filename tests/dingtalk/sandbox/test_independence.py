"""The sandbox must be able to judge the client, and so it may not share code with it.

Two things it does not speak by itself: WebSocket, which is a standard, and the encryption of callbacks, which
`tests/dingtalk/test_callback.py` holds against somebody else's reading of it.
"""

import ast
import sys
from pathlib import Path

import pytest

import invites.dingtalk.sandbox

ALLOWED = {
    "gateway": {"websockets.exceptions", "websockets.sync.server"},
    "pushing": {"invites.dingtalk.callback"},
}
MODULES = sorted(Path(invites.dingtalk.sandbox.__file__).parent.glob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_the_standard_library_and_its_own_package_only(module: Path) -> None:
    foreign = {
        name
        for name in imported(module)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not name.startswith("invites.dingtalk.sandbox.")
    }
    assert foreign == ALLOWED.get(module.stem, set())
