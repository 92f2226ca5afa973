"""Access tokens that all processes share, on a real database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from invites.dingtalk import AccessToken, TokenUnavailable
from invites.models import CachedToken
from invites.token_store import DatabaseTokenStore, fingerprint

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> DatabaseTokenStore:
    made = DatabaseTokenStore(fingerprint("host", "id", "secret"))
    assert made.acquire_lease(20)
    made.release_lease()
    return made


def token(value: str, *, expires_at: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> AccessToken:
    return AccessToken(value=value, expires_at=expires_at)


class TestToken:
    def test_saved_token_is_found_by_another_process(self, store: DatabaseTokenStore) -> None:
        store.save(token("t1"))
        assert DatabaseTokenStore(fingerprint("host", "id", "secret")).load() == token("t1")

    def test_other_credentials_find_nothing(self, store: DatabaseTokenStore) -> None:
        store.save(token("t1"))
        assert DatabaseTokenStore(fingerprint("host", "id", "other secret")).load() is None

    def test_it_is_not_readable_in_the_database(self, store: DatabaseTokenStore) -> None:
        store.save(token("the-token"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM invites_cachedtoken")
            [(stored,)] = cursor.fetchall()
        assert "the-token" not in stored

    def test_stale_token_is_discarded(self, store: DatabaseTokenStore) -> None:
        store.save(token("t1"))
        store.discard("t1")
        assert store.load() is None

    def test_newer_token_survives_the_discarding_of_the_old(self, store: DatabaseTokenStore) -> None:
        store.save(token("t2"))
        store.discard("t1")
        assert store.load() == token("t2")

    def test_token_of_a_lost_key_is_as_good_as_none(
        self, store: DatabaseTokenStore, settings: Settings
    ) -> None:
        store.save(token("t1"))
        settings.SECRET_KEY = "another key of at least thirty-two characters"
        assert store.load() is None


class TestLease:
    def test_only_one_holds_it(self, store: DatabaseTokenStore) -> None:
        assert store.acquire_lease(20)
        assert not store.acquire_lease(20)

    def test_it_can_be_given_back(self, store: DatabaseTokenStore) -> None:
        store.acquire_lease(20)
        store.release_lease()
        assert store.acquire_lease(20)

    def test_lease_of_a_dead_process_ends(self, store: DatabaseTokenStore) -> None:
        store.acquire_lease(20)
        CachedToken.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert store.acquire_lease(20)

    def test_lease_of_another_is_not_given_back(self, store: DatabaseTokenStore) -> None:
        store.acquire_lease(20)
        CachedToken.objects.update(leased_by="somebody else")
        store.release_lease()
        assert not store.acquire_lease(20)


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*_: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield


class TestDatabaseThatIsAway:
    def test_there_is_no_token_which_is_no_reason_to_doubt_whether_a_call_left(
        self, store: DatabaseTokenStore
    ) -> None:
        with database_away():
            for use in (store.load, store.release_lease):
                with pytest.raises(TokenUnavailable) as raised:
                    use()
                assert not raised.value.may_have_rung
            with pytest.raises(TokenUnavailable):
                store.acquire_lease(20)
            with pytest.raises(TokenUnavailable):
                store.save(token("t1"))

    def test_stale_token_is_not_used_again(self, store: DatabaseTokenStore) -> None:
        store.save(token("t1"))
        with database_away():
            store.discard("t1")
        assert store.load() is None
        store.save(token("t2"))
        assert store.load() == token("t2")
