"""Secrets at rest."""

from http import HTTPStatus

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from invites.encryption import UndecryptableError, decrypt, encrypt
from invites.models import App, User
from tests.conftest import SignedIn
from tests.factories import AppFactory, AttemptFactory, ConferenceFactory, SentInvitationFactory

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class TestKeys:
    def test_text_comes_back(self) -> None:
        assert decrypt(encrypt("秘密")) == "秘密"

    def test_nothing_stays_nothing(self) -> None:
        assert encrypt("") == decrypt("") == ""

    def test_older_key_still_opens_and_the_newest_closes(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        closed = encrypt("secret")
        settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
        assert decrypt(closed) == "secret"
        assert Fernet(NEW).decrypt(encrypt("secret").encode()) == b"secret"

    def test_lost_key_is_said_so_and_shows_nothing(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        closed = encrypt("secret")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        with pytest.raises(UndecryptableError, match="No key"):
            decrypt(closed)

    def test_key_is_derived_from_the_secret_key_where_none_is_given(self, settings: Settings) -> None:
        closed = encrypt("secret")
        settings.SECRET_KEY = "another key that is long enough to be one"
        with pytest.raises(UndecryptableError):
            decrypt(closed)


@pytest.mark.django_db
class TestField:
    def test_credentials_are_not_readable_in_the_database(self) -> None:
        app = AppFactory(client_secret="the-secret", access_token="the-token")
        with connection.cursor() as cursor:
            cursor.execute("SELECT client_secret, access_token FROM invites_app")
            [row] = cursor.fetchall()
        assert "the-secret" not in row[0]
        assert "the-token" not in row[1]
        assert App.objects.get(pk=app.pk).client_secret == "the-secret"

    def test_a_secret_that_no_key_fits_keeps_nobody_from_the_rest_of_its_row(
        self, settings: Settings
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        app = AppFactory(name="Before", client_secret="the-secret")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        read = App.objects.get(pk=app.pk)
        assert read.name == "Before"
        with pytest.raises(UndecryptableError):
            _ = read.client_secret

    def test_saving_the_rest_of_a_row_leaves_a_secret_as_it_is(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        app = AppFactory(client_secret="the-secret")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        read = App.objects.get(pk=app.pk)
        read.batch_size = 7
        read.save()
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        again = App.objects.get(pk=app.pk)
        assert (again.batch_size, again.client_secret) == (7, "the-secret")

    def test_a_secret_that_is_replaced_is_closed_with_the_newest_key(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        app = AppFactory(client_secret="the-secret")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        read = App.objects.get(pk=app.pk)
        read.client_secret = "another"
        read.save(update_fields=["client_secret"])
        assert App.objects.get(pk=app.pk).client_secret == "another"


@pytest.mark.django_db
class TestPages:
    def test_pages_of_an_app_whose_secrets_cannot_be_read_are_shown(
        self, settings: Settings, signed_in: SignedIn, administrator: User
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        conference = ConferenceFactory(app__access_token="the-token")
        invitation = SentInvitationFactory(conference=conference, sent_by=administrator)
        AttemptFactory(invitation=invitation)
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        browser = signed_in(administrator)
        for page in (
            "/",
            "/conferences/",
            f"/conferences/{conference.pk}/",
            f"/invitations/{invitation.pk}/",
            "/history/",
            "/books/",
            "/settings/",
        ):
            assert browser.get(page).status_code == HTTPStatus.OK, page
