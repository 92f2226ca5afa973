"""The product's settings, cut off from the environment of whoever runs the tests."""

import atexit
import os
import shutil
import tempfile

for name in list(os.environ):
    if name.startswith("DINGTALK_") or name in {
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
        "HTTPS_ONLY",
        "TIME_ZONE",
        "FIELD_ENCRYPTION_KEYS",
        "HISTORY_KEYS",
        "HISTORY_MAIL",
        "EMAIL_URL",
        "EMAIL_FROM",
        "SITE_URL",
        "METRICS_TOKEN",
        "LOG_FORMAT",
        "TASKS_BACKEND",
    }:
        del os.environ[name]
os.environ |= {
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
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

if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, as in production: the journal, the locks and a second connection behave like those of the real thing.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
