"""The product's settings with less patience, so that a test need not wait until a process is taken for dead."""

from dashboard.settings import *  # noqa: F403

CALL_SECONDS = 2.0
GRACE_SECONDS = 1.0
UNHEARD_SECONDS = 1.0
HEARTBEAT_SECONDS = 0.5
