"""`manage.py changepassword`: Django's command, behind which nothing of the old password opens anything."""

import getpass
from collections.abc import Callable, Iterator

import pytest
from django.core.management import CommandError, call_command

from invites import tokens
from invites.models import User
from tests.conftest import SignedIn
from tests.factories import PASSWORD
from tests.invites.programs import token_of

type Type = Callable[..., None]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types texts at the terminal, one for each time that it asks."""

    def type_at_it(*texts: str) -> None:
        answers: Iterator[str] = iter(texts)
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))

    return type_at_it


class TestChangePassword:
    def test_nothing_that_the_old_one_opened_stays_open(
        self, organizer: User, other_organizer: User, signed_in: SignedIn, typed: Type
    ) -> None:
        theirs, token = signed_in(organizer), token_of(organizer)
        somebody_elses = token_of(other_organizer)
        typed("quite another one", "quite another one")
        call_command("changepassword", organizer.username)
        organizer.refresh_from_db()
        assert organizer.check_password("quite another one")
        assert theirs.get("/settings/").status_code == 302
        assert tokens.find(token) is None
        assert tokens.find(somebody_elses) is not None

    def test_where_none_was_typed_twice_alike_everything_stays(
        self, organizer: User, signed_in: SignedIn, typed: Type
    ) -> None:
        theirs, token = signed_in(organizer), token_of(organizer)
        typed(*["quite another one", "quite a third one"] * 3)
        with pytest.raises(CommandError, match="Aborting"):
            call_command("changepassword", organizer.username)
        organizer.refresh_from_db()
        assert organizer.check_password(PASSWORD)
        assert theirs.get("/settings/").status_code == 200
        assert tokens.find(token) is not None
