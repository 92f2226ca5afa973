"""Erases a person from the history: name and number go, that there was somebody stays on record."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from invites import erasing, phone_numbers
from invites.errors import StillToBeCalled
from invites.management import deciding
from invites.models.invitee import Channel


class Command(BaseCommand):
    """``python manage.py erase_person``"""

    help = (
        "Erases whoever a unionId or a phone number reaches, for good: from the history, from lists that have not "
        "been sent, and from all address books. That somebody was erased stays on record, and seals still verify."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds who is meant, and why."""
        parser.add_argument("--union-id", action="append", default=[], dest="union_ids", metavar="UNION_ID")
        parser.add_argument("--phone", action="append", default=[], dest="phones", metavar="NUMBER")
        deciding.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Asks, and erases one after the other."""
        wanted = [(Channel.UNION_ID, union_id.strip()) for union_id in options["union_ids"]]
        wanted += [(Channel.PHONE, _number(text)) for text in options["phones"]]
        # A blank is no unionId: everybody who has none would be found by it.
        if not wanted or not all(value for _channel, value in wanted):
            raise CommandError("Say who is to be erased: --union-id or --phone.")
        by = deciding.user_called(options["by"])
        if not options["yes"]:
            deciding.make_sure("Erase them for good?", refused="Nobody was erased.")
        for channel, value in wanted:
            try:
                erased = erasing.erase(channel=channel, value=value, by=by, because=options["reason"])
            except StillToBeCalled as error:
                raise CommandError(f"{channel.label}: {error}") from error
            self.stdout.write(
                f"{channel.label}: {erased.people} people of the history, on {erased.invitees} invitations, in the "
                f"answers to {erased.attempts} calls; {erased.contacts} contacts and {erased.entries} entries."
            )


def _number(text: str) -> str:
    try:
        return phone_numbers.parse(text, country=settings.DINGTALK_DEFAULT_COUNTRY)
    except ValidationError as error:
        raise CommandError(f"“{text}”: {' '.join(error.messages)}") from error
