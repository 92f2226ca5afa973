"""The product's settings, cut off from the environment of whoever runs the tests."""

import os
import tempfile

for name in list(os.environ):
    if name.startswith("DINGTALK_") or name in {
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
        "HTTPS_ONLY",
        "TIME_ZONE",
    }:
        del os.environ[name]
os.environ |= {
    "ENV_FILE": "",
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    "DATA_DIR": tempfile.mkdtemp(prefix="invites-tests-"),
}

from dashboard.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
