"""Looks whether a package in the lists has a known vulnerability. `make audit` runs it; `make test` does not.

It asks the advisory service of the Python Package Index through pip-audit, and installs nothing:
what is looked at are the exact versions in the lists. Exit status 0 none is known, 1 one is, 2 nobody could be asked.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LISTS = ("base", "dev")
PATIENCE_SECONDS = 15
NOBODY_ASKED = 2


def audit(name: str) -> int:
    """Looks through ``requirements/{name}.txt`` and says what came of it. Returns the exit status."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", str(PATIENCE_SECONDS)]
    answer = subprocess.run(
        [*command, "--requirement", str(HERE / f"{name}.txt")], capture_output=True, text=True, check=False
    )
    print(f"── requirements/{name}.txt", flush=True)
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        print("The advisory service cannot be asked from here, so nothing is known. Its last words:")
        print(f"  {(answer.stderr.strip() or 'none').splitlines()[-1]}")
        return NOBODY_ASKED
    return _told(packages)


def _told(packages: list[dict[str, Any]]) -> int:
    """Says what is known of ``packages``. What pip-audit itself takes for fine, it may not have found out about."""
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    weak = [each for each in packages if each.get("vulns")]
    for each in weak:
        for flaw in each["vulns"]:
            mended = ", ".join(flaw["fix_versions"]) or "no version yet"
            print(f"{each['name']} {each['version']}: {flaw['id']}, mended in {mended}")
    print(
        f"{len(packages)} packages, {len(weak)} with a known vulnerability, {len(unknown)} of which nothing is known"
    )
    if unknown:
        print(f"The advisory service does not answer for: {', '.join(unknown[:5])} …")
    if weak:
        return 1
    return NOBODY_ASKED if unknown else 0


def main(names: list[str]) -> int:
    """Looks through every list, also after one with a finding. Returns the exit status."""
    statuses = [audit(name) for name in names or LISTS]
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
