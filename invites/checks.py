"""What Django's checks say about the database, besides what Django itself looks at."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import connections


@register(Tags.database)
def search_sees_chinese(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Warns where PostgreSQL takes Chinese characters for no letters, so that no index serves a search for them.

    That is decided when a database is made, by its LC_CTYPE: under ``C`` only the letters of English are letters.
    """
    return [
        Warning(
            f"The database “{connections[alias].settings_dict['NAME']}” was made for English letters alone "
            "(LC_CTYPE is C), so that searching a large address book for Chinese names is slow.",
            hint="Make the database anew with LC_CTYPE C.UTF-8 or that of a language, and restore into it.",
            id="invites.W001",
        )
        for alias in databases or ()
        if connections[alias].vendor == "postgresql" and not _sees_chinese(alias)
    ]


def _sees_chinese(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT '张' ~ '[[:alpha:]]'")
        row = cursor.fetchone()
    return bool(row and row[0])
