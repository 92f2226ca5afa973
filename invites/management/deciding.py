"""Who has decided what a command does for good, and why, as its arguments say; and whether it is meant."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandError, CommandParser

from invites.models import User
from invites.models.on_record import REASON_LENGTH


def add_arguments(parser: CommandParser) -> None:
    """Adds the arguments."""
    parser.add_argument("--reason", type=_reason, required=True, help="why; it stands in the history")
    parser.add_argument("--by", metavar="USERNAME", help="who has decided so; nobody, where it is left out")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def user_called(username: str | None) -> User | None:
    """Who is called so; None for nobody. Raises CommandError for a name that nobody has."""
    if username is None:
        return None
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist as error:
        raise CommandError(f"Nobody is called {username} here.") from error


def make_sure(question: str, *, refused: str) -> None:
    """Asks whether it is meant. Raises CommandError, which says ``refused``, for any answer but yes."""
    if input(f"{question} Type yes: ").strip() != "yes":
        raise CommandError(refused)


def _reason(text: str) -> str:
    reason = text.strip()
    if not 0 < len(reason) <= REASON_LENGTH:
        raise ArgumentTypeError(f"a few words, of at most {REASON_LENGTH} characters")
    return reason
