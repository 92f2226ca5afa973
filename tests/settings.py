"""The product's settings, cut off from the environment of whoever runs the tests."""

import atexit
import os
import shutil
import tempfile

from tests.services.variables import VARIABLES

# The database is that under test, and whoever measures may want fewer lines.
for name in VARIABLES - {"DATABASE_URL", "LOG_LEVEL"}:
    os.environ.pop(name, None)
os.environ |= {
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    # Everything that tests talk to is on this machine.
    "DINGTALK_ALLOW_PRIVATE_HOSTS": "1",
    "DATA_DIR": tempfile.mkdtemp(prefix="invites-tests-"),
}

from dashboard.settings import *  # noqa: E402, F403
from dashboard.settings import DATA_DIR, DATABASES  # noqa: E402

atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: threads then have connections of their own. Nothing of it must survive a power cut.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous = OFF;"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
