"""A stand-in for DingTalk's API on loopback, for demonstrations and tests; docs/sandbox.md is its guide.

Speaks the contract over HTTP and knows nothing of Django or of the client, so that the one can be tested by the other.
"""

from invites.dingtalk.sandbox.faults import Fault
from invites.dingtalk.sandbox.life import AttendStatus
from invites.dingtalk.sandbox.people import (
    DEMO_CONFERENCES,
    DEMO_FORMER_COLLEAGUE,
    DEMO_GUESTS,
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    DEMO_STRANGER,
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_CORP_ID,
    SANDBOX_FIXED_TOKEN,
    DemoConference,
    DemoPerson,
    is_demo_value,
)
from invites.dingtalk.sandbox.server import NotLoopbackError, SandboxServer
from invites.dingtalk.sandbox.traffic import Received

__all__ = [
    "DEMO_CONFERENCES",
    "DEMO_FORMER_COLLEAGUE",
    "DEMO_GUESTS",
    "DEMO_ORGANIZER",
    "DEMO_PEOPLE",
    "DEMO_STRANGER",
    "SANDBOX_CLIENT_ID",
    "SANDBOX_CLIENT_SECRET",
    "SANDBOX_CORP_ID",
    "SANDBOX_FIXED_TOKEN",
    "AttendStatus",
    "DemoConference",
    "DemoPerson",
    "Fault",
    "NotLoopbackError",
    "Received",
    "SandboxServer",
    "is_demo_value",
]
