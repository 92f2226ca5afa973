"""What Django's checks say about the database and the keys, besides what Django itself looks at."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import DatabaseError, connections

from invites import rekeying


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


@register(Tags.database)
def secrets_can_be_read(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Warns where no key opens what is stored, as after a backup was restored beside other keys.

    The start is not refused: where the keys are lost for good, the secrets are typed in anew.
    """
    if "default" not in (databases or ()):
        return []
    try:
        unreadable = [where for found in rekeying.look() for where in found.unreadable]
    except DatabaseError:
        # The tables are not there yet, or not all of their columns: migrations are on their way.
        return []
    return [
        Warning(
            f"No key opens a stored secret: {where}.",
            hint="Put the key it was encrypted with into FIELD_ENCRYPTION_KEYS (or give back the old SECRET_KEY).",
            id="invites.W002",
        )
        for where in unreadable
    ]


@register(Tags.security, deploy=True)
def keys_are_the_installations_own(**_kwargs: Any) -> list[CheckMessage]:
    """Warns where keys hang on a file of one machine, or on each other, while the database may be everybody's."""
    if connections["default"].vendor == "sqlite":
        return []
    lacking = {
        "SECRET_KEY": settings.SECRET_KEY_IS_OWN,
        "FIELD_ENCRYPTION_KEYS": settings.FIELD_ENCRYPTION_KEYS,
        "HISTORY_KEYS": settings.HISTORY_KEYS,
    }
    return [
        Warning(
            f"{name} is not set, so that what it protects hangs on a key that was made for something else.",
            hint="Set it in the environment, the same for every process on every machine, and keep a copy of it.",
            id="invites.W003",
        )
        for name, value in lacking.items()
        if not value
    ]


@register(Tags.security)
def nobody_else_reads_the_keys(**_kwargs: Any) -> list[CheckMessage]:
    """An error where anybody on the machine reads the key that was made here; a warning for the file of settings."""
    found: list[CheckMessage] = []
    if not settings.SECRET_KEY_IS_OWN and _is_open(settings.DATA_DIR / "secret-key"):
        found.append(
            Error(
                "Everybody on this machine may read the key in DATA_DIR.",
                hint=f"chmod 600 {settings.DATA_DIR / 'secret-key'}",
                id="invites.E001",
            )
        )
    if settings.ENV_FILE and _is_open(Path(settings.ENV_FILE)):
        found.append(
            Warning(
                "Everybody on this machine may read the file of settings, and any secret in it.",
                hint=f"chmod o= {settings.ENV_FILE}",
                id="invites.W004",
            )
        )
    return found


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
