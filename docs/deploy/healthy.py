"""Exit status 0 where the web server of this container can answer requests, 1 otherwise. Standard library only.

It asks under the first name of ALLOWED_HOSTS, since the site answers to no other.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import Request, urlopen

PORT = os.environ.get("PORT", "8000")
HOST = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")


def main() -> int:
    """Asks `/readyz`, and says what stands in its way."""
    question = Request(f"http://127.0.0.1:{PORT}/readyz", headers={"Host": HOST})
    try:
        with urlopen(question, timeout=4) as answer:  # noqa: S310
            sys.stdout.write(answer.read().decode())
    except (URLError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
