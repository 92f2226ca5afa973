"""Looks whether a package in the lists has a known vulnerability. `make audit` runs it; `make test` does not.

It asks the advisory service of the Python Package Index through pip-audit, and installs nothing:
what is looked at are the exact versions in the lists. Exit status 0 none is known, 1 one is, 2 nobody could be asked.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LISTS = ("base", "dev")
PATIENCE_SECONDS = 15
NOBODY_ASKED = 2
# What pip-audit, requests and urllib3 say where the service is away or the way to it is barred.
_AWAY = (
    "Connection",
    "ConnectTimeout",
    "HTTPError",
    "Max retries exceeded",
    "Name or service not known",
    "ProxyError",
    "ReadTimeout",
    "ServiceError",
    "SSLError",
)


def audit(name: str) -> int:
    """Looks through ``requirements/{name}.txt`` and says what came of it. Returns the exit status."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    command += ["--progress-spinner", "off", "--timeout", str(PATIENCE_SECONDS)]
    answer = subprocess.run(
        [*command, "--requirement", str(HERE / f"{name}.txt")], capture_output=True, text=True, check=False
    )
    print(f"── requirements/{name}.txt", flush=True)
    if answer.returncode and any(word in answer.stderr for word in _AWAY):
        print("The advisory service cannot be asked from here, so nothing is known. Its last words:")
        print(f"  {answer.stderr.strip().splitlines()[-1]}")
        return NOBODY_ASKED
    print((answer.stdout + answer.stderr).strip())
    return answer.returncode


def main(names: list[str]) -> int:
    """Looks through every list, also after one with a finding. Returns the exit status."""
    statuses = [audit(name) for name in names or LISTS]
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
