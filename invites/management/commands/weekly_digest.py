"""Shows what somebody's weekly digest says, without sending it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from invites import reporting
from invites.models import User


class Command(BaseCommand):
    """``python manage.py weekly_digest --preview USER``"""

    help = "Prints the digest of last week as a user would get it; workers send it on Monday mornings."

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds whose digest it is."""
        parser.add_argument(
            "--preview", metavar="USER", required=True, help="the name that the user signs in with"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the mail as text. Raises CommandError for somebody who is not there."""
        user = User.objects.filter(username=options["preview"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as “{options['preview']}”.")
        message = reporting.message_to(user, week=reporting.last_week())
        self.stdout.write(f"{message.subject}\n\n{message.body}")
