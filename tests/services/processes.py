"""What a process that a test starts needs to know to share the test's database."""

import os
from urllib.parse import quote

from django.db.backends.base.base import BaseDatabaseWrapper


def environment_of(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The environment for ``manage.py`` on the database of ``connection``, with the product's own settings."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        secret = f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else ""
        port = f"&port={database['PORT']}" if database["PORT"] else ""
        host = quote(str(database["HOST"]), safe="")
        url = f"postgres://{database['USER']}{secret}@/{database['NAME']}?host={host}{port}"
    return dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "DATABASE_URL": url}
