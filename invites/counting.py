"""Counts the calls to DingTalk, for each app, operation and month: they are scarce.

Must not decide whether a call is made: what is made is counted, also when the quota is used up.
"""

import logging
from collections.abc import Callable

from django.db import Error, connection

from invites.dingtalk.calls import INVITE_USERS, is_exempt
from invites.models.spending import quota_month

# One statement, so that processes that count at the same moment lose nothing. The same on PostgreSQL and SQLite.
_COUNT = """
    INSERT INTO invites_callcount (app_id, operation, month, is_exempt, calls)
    VALUES (%(app)s, %(operation)s, %(month)s, %(exempt)s, %(calls)s)
    ON CONFLICT (app_id, operation, month)
    DO UPDATE SET calls = invites_callcount.calls + excluded.calls
"""

logger = logging.getLogger(__name__)


def count_call(app_id: int, operation: str, *, calls: int = 1) -> None:
    """Adds ``calls`` calls of ``operation``, the API's name for it, to those of this month.

    Inside a transaction it belongs at the end: until the commit it keeps others from counting the same operation of
    the same app.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "app": app_id,
                "operation": operation,
                "month": connection.ops.adapt_datefield_value(quota_month()),
                "exempt": is_exempt(operation),
                "calls": calls,
            },
        )


def counter(app_id: int) -> Callable[[str], None]:
    """What a client of one app is to call with the operation of every request that is about to leave.

    Invitations are passed over: they are counted in the transaction that records their attempt.
    """

    def count(operation: str) -> None:
        if operation == INVITE_USERS:
            return
        try:
            count_call(app_id, operation)
        except Error:
            # Somebody waits for the call itself, and a count that is short by one harms nobody.
            logger.warning("A call of %s for app %s could not be counted", operation, app_id, exc_info=True)

    return count
