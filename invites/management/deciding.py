"""Who has decided what a command does for good, as its argument says."""

from django.core.management.base import CommandError, CommandParser

from invites.models import User


def add_argument(parser: CommandParser) -> None:
    """Adds the argument."""
    parser.add_argument("--by", metavar="USERNAME", help="who has decided so; nobody, where it is left out")


def user_called(username: str | None) -> User | None:
    """Who is called so; None for nobody. Raises CommandError for a name that nobody has."""
    if username is None:
        return None
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist as error:
        raise CommandError(f"Nobody is called {username} here.") from error
