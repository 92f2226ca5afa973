"""``dying STATEMENT TOKEN PK SANDBOX``: asks for an invitation, and is killed before it makes a statement.

It uses the database of a test that runs meanwhile, which `tests.services.processes.environment_of` names.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.db import connection

BODY = {"inviteeList": [{"unionId": "exxxxxxxxQiE", "nick": "Test user"}]}


def main(statement: str, token: str, conference: str, sandbox: str) -> None:
    django.setup()
    settings.DINGTALK_SANDBOX_URL = sandbox
    settings.ALLOWED_HOSTS = ["testserver"]

    from tests.invites.programs import Program  # noqa: PLC0415 - before, there are no models

    def die(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(statement):
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, *rest)

    program = Program(token=token)
    with connection.execute_wrapper(die):
        answer = program.post(f"/conferences/{conference}/invitations", BODY, key="a")
    sys.exit(f"It lived, and was told {answer.status_code}: {answer.content!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
