"""`make audit` never takes silence for a clean bill of health."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "requirements" / "audit.py"


def test_service_that_cannot_be_reached_is_said_to_be_just_that() -> None:
    """Nothing listens there."""
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    answer = subprocess.run(
        [sys.executable, SCRIPT, "base"],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert "nothing is known" in answer.stdout


@pytest.mark.parametrize(
    ("packages", "status"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0),
        ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], 1),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}], 2),
    ],
)
def test_package_of_which_nothing_is_known_is_not_taken_for_sound(
    tmp_path: Path, packages: list[dict[str, object]], status: int
) -> None:
    """In place of pip-audit something that gives this answer."""
    (tmp_path / "pip_audit.py").write_text(f"print({json.dumps(json.dumps({'dependencies': packages}))})")
    answer = subprocess.run(
        [sys.executable, SCRIPT, "base"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == status, answer.stdout + answer.stderr
