"""The product's settings with less patience, so that a test need not wait until a process is taken for dead."""

import os

from dashboard.settings import *  # noqa: F403
from dashboard.settings import DATABASES, LIMITS, STORAGES

CALL_SECONDS = 2.0
# A test in which the database is away, and nobody dead, gives senders time to write down what they have heard.
GRACE_SECONDS = float(os.environ.get("GRACE_SECONDS", "1"))
# Longer than a sender works before it rings for the next turn.
UNHEARD_SECONDS = 2.0
LOOK_UP_SECONDS = 3.0
HEARTBEAT_SECONDS = 0.5
# Those who send in these tests are programs, and never rest.
LIMITS = LIMITS | {"sending": (1_000_000, 60)}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Processes die in these tests, and never the machine.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous = OFF;"

# Pages are served without a `collectstatic` before.
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
