"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from invites.encryption import UndecryptableError, decrypt, encrypt
from invites.models import App
from tests.factories import AppFactory

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
