"""``python manage.py invite``: one invitation from the command line, its outcome as JSON."""

import json
import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from invites import inviting
from invites.errors import InviteError
from invites.models import Attempt, Invitation
from invites.models.invitee import InviteeState


class Command(BaseCommand):
    """Sends in its own process and needs no worker."""

    help = (
        "Invites people into a video conference and prints one JSON object. "
        "Exit status: 0 all are invited, 1 somebody is not, 2 unusable input and nothing sent."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The conference and whom to invite into it."""
        parser.add_argument("conference_id", metavar="CONFERENCE_ID")
        parser.add_argument(
            "--operator", default="", metavar="UNION_ID", help="in whose name people are called"
        )
        parser.add_argument("--user", action="append", default=[], metavar="UNION_ID:NICK", dest="users")
        parser.add_argument("--phone", action="append", default=[], metavar="NUMBER:NICK", dest="phones")
        parser.add_argument("--group", action="append", default=[], metavar="BOOK/GROUP", dest="groups")
        parser.add_argument(
            "--despite-do-not-invite",
            action="store_true",
            help="also call those whom an address book marks so; this is recorded",
        )
        parser.add_argument(
            "--app", metavar="NAME", help="the DingTalk app (default: that of the environment)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Invites; leaves with status 1 or 2 through SystemExit or CommandError."""
        try:
            with transaction.atomic():
                invitation = _made(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        except InviteError as error:
            raise CommandError(str(error), returncode=2) from error
        # Being told to stop ends the calling; what was done until then is reported all the same.
        with suppress(KeyboardInterrupt), _interrupted_by(signal.SIGTERM):
            inviting.deliver(invitation)
        invitation.refresh_from_db()
        self._print(_report(invitation))
        if invitation.invitees.exclude(state=InviteeState.INVITED).exists():
            raise SystemExit(1)

    def _print(self, report: dict[str, Any]) -> None:
        text = json.dumps(report, ensure_ascii=False)
        try:
            text.encode(getattr(self.stdout, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            # A terminal that knows no Chinese: the same JSON, escaped.
            text = json.dumps(report)
        self.stdout.write(text)


@contextmanager
def _interrupted_by(number: signal.Signals) -> Iterator[None]:
    """Lets a signal that would end the process at once, with people still waiting, end it as Ctrl-C does."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _made(options: dict[str, Any]) -> Invitation:
    """The invitation that the arguments describe. Raises ValidationError or InviteError."""
    app = inviting.choose_app(options["app"])
    people = [inviting.person_by_union_id(text) for text in options["users"]]
    people += [inviting.person_by_phone(text, app=app) for text in options["phones"]]
    for text in options["groups"]:
        people += inviting.people_of_group(text, app=app)
    return inviting.make(
        app=app,
        conference_id=options["conference_id"],
        operator_union_id=options["operator"],
        people=people,
        despite_do_not_invite=options["despite_do_not_invite"],
    )


def _report(invitation: Invitation) -> dict[str, Any]:
    attempts = invitation.attempts.in_order_made().with_people()
    return {
        "invitation": invitation.pk,
        "state": invitation.state,
        "attempts": [_attempt_report(attempt) for attempt in attempts],
    }


def _attempt_report(attempt: Attempt) -> dict[str, Any]:
    return {
        "outcome": attempt.state,
        "http_status": attempt.http_status,
        "error_code": attempt.error_code or None,
        "error_message": attempt.error_message or None,
        "request_id": attempt.request_id or None,
        "invitees": [
            {
                "channel": sent.invitee.channel,
                "value": sent.invitee.value,
                "nick": sent.invitee.nick,
                "state": sent.state,
            }
            for sent in attempt.people_sent.all()
        ],
    }
