"""What a process that a test starts needs to know to share the test's database."""

import os
from urllib.parse import quote, urlencode

from django.db.backends.base.base import BaseDatabaseWrapper


def environment_of(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The environment for ``manage.py`` on the database of ``connection``, with the product's own settings."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        # The query of the server's own URL (a socket's folder) stands among the options.
        options = {"host": database["HOST"], "port": database["PORT"], **database.get("OPTIONS", {})}
        query = urlencode({name: options[name] for name in ("host", "port") if options.get(name)})
        secret = f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else ""
        url = f"postgres://{database['USER']}{secret}@/{database['NAME']}?{query}"
    return dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "DATABASE_URL": url}
