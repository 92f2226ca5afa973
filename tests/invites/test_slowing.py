"""Trying passwords is slowed down, by address and by account, in all processes; nobody is locked out for good."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from invites import auditing, recovering
from invites.models import AuditEntry, CacheRow, Session, User
from tests.conftest import SignedIn
from tests.factories import PASSWORD, UserFactory

WRONG = "not the password"
HERE, ELSEWHERE = "192.0.2.1", "203.0.113.9"


def try_it(
    name: str = "organizer", password: str = WRONG, *, address: str = HERE, client: Client | None = None
) -> HttpResponseBase:
    data = {"login": name, "password": password}
    return (client or Client()).post("/sign-in/", data, REMOTE_ADDR=address)


def statuses(times: int, name: str = "organizer", *, address: str = HERE) -> list[int]:
    return [try_it(name, address=address).status_code for _ in range(times)]


class TestAccount:
    """Five wrong passwords from one place."""

    def test_sixth_try_is_refused_with_how_long_to_wait(self, organizer: User) -> None:
        assert statuses(5) == [422] * 5
        refused = Client().post("/sign-in/", {"login": "organizer", "password": WRONG}, REMOTE_ADDR=HERE)
        assert refused.status_code == 429
        assert "Please wait 5 minutes" in refused.content.decode()
        assert 290 < int(refused["Retry-After"]) <= 301

    def test_refusal_speaks_chinese(self, organizer: User) -> None:
        statuses(5)
        client = Client(headers={"accept-language": "zh-hans"})
        refused = client.post("/sign-in/", {"login": "organizer", "password": WRONG}, REMOTE_ADDR=HERE)
        assert "请等待" in refused.content.decode()

    def test_right_password_is_not_looked_at_then(self, organizer: User) -> None:
        statuses(5)
        assert try_it(password=PASSWORD).status_code == 429

    def test_right_passwords_are_never_too_many(self, organizer: User) -> None:
        assert {try_it(password=PASSWORD).status_code for _ in range(8)} == {302}

    def test_all_names_of_an_account_share_one_count(self, organizer: User) -> None:
        organizer.email = "organizer@example.com"
        organizer.save()
        names = ("organizer", "ORGANIZER", "Organizer@example.com", "organizer@example.com", "organizer")
        assert [try_it(name).status_code for name in names] == [422] * 5
        assert try_it("OrganizeR").status_code == 429

    def test_name_that_nobody_has_is_refused_in_the_same_way(self, db: None) -> None:
        assert statuses(6, "nobody") == [422] * 5 + [429]

    def test_what_is_refused_is_not_written_down(self, organizer: User) -> None:
        statuses(8)
        failed = [
            entry
            for entry in AuditEntry.objects.all()
            if entry.additional_data == {"what": auditing.SIGN_IN_FAILED}
        ]
        assert len(failed) == 5

    def test_it_ends(self, organizer: User) -> None:
        statuses(6)
        CacheRow.objects.update(expires=timezone.now() - timedelta(seconds=1))
        assert try_it(password=PASSWORD).status_code == 302


class TestRecord:
    """Whoever tries all day does not fill it, and does not stay off it."""

    @staticmethod
    def entries() -> list[dict[str, object]]:
        told = AuditEntry.objects.order_by("pk").values_list("additional_data", flat=True)
        return [each for each in told if each]

    def test_beyond_the_first_few_of_an_hour_one_entry_says_how_many(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        first = [{"what": auditing.SIGN_IN_FAILED}] * 5
        with time_machine.travel(timezone.now(), tick=False) as now:
            for _time in range(3):
                statuses(5)
                now.shift(timedelta(minutes=6))
            recovering.recover()
            assert self.entries() == first
            now.shift(timedelta(minutes=45))
            for _round in range(2):
                recovering.recover()
            further = {"what": auditing.SIGN_INS_FAILED, "tries": 10}
            assert self.entries() == [*first, further]
            statuses(1)
            assert self.entries() == [*first, further, first[0]]
            page = signed_in(administrator).get("/history/changes/").content.decode()
            assert "from one address within an hour: 10." in page

    def test_next_hour_begins_with_what_was_left_where_no_worker_runs(self, organizer: User) -> None:
        with time_machine.travel(timezone.now(), tick=False) as now:
            for _time in range(2):
                statuses(5)
                now.shift(timedelta(minutes=31))
            statuses(1)
        assert [each.get("tries") for each in self.entries()] == [None] * 5 + [5, None]

    def test_each_address_counts_for_itself(self, organizer: User) -> None:
        for address in (HERE, ELSEWHERE):
            statuses(2, address=address)
        assert len(self.entries()) == 4


class TestElsewhere:
    """Somebody who tries another's name shuts out themselves."""

    def test_the_person_still_gets_in_from_where_they_are(self, organizer: User) -> None:
        statuses(6, address=ELSEWHERE)
        assert try_it(password=PASSWORD).status_code == 302

    def test_many_addresses_together_are_too_many(self, organizer: User) -> None:
        for number in range(6):
            statuses(5, address=f"198.51.100.{number}")
        assert try_it(address=ELSEWHERE).status_code == 429

    def test_but_not_for_a_place_where_the_person_is_signed_in(self, organizer: User) -> None:
        try_it(password=PASSWORD, address=HERE)
        assert Session.objects.get().address == HERE
        for number in range(7):
            statuses(5, address=f"198.51.100.{number}")
        assert try_it(password=PASSWORD, address=ELSEWHERE).status_code == 429
        assert try_it(password=PASSWORD, address=HERE).status_code == 302


class TestAddress:
    """One address tries many accounts."""

    def test_too_many_accounts_from_one_address(self, db: None) -> None:
        assert {statuses(1, f"name{number}")[0] for number in range(50)} == {422}
        assert try_it("another").status_code == 429
        assert try_it("another", address=ELSEWHERE).status_code == 422

    def test_nobody_chooses_their_address(self, organizer: User) -> None:
        client = Client()
        for number in range(6):
            client.defaults["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
            response = try_it(client=client)
        assert response.status_code == 429

    def test_all_addresses_of_one_ipv6_network_are_one_place(self, organizer: User) -> None:
        answers = [try_it(address=f"2001:db8::{number}").status_code for number in range(6)]
        assert answers == [422] * 5 + [429]
        assert try_it(address="2001:db8:1::1").status_code == 422

    def test_behind_a_proxy_each_visitor_counts_for_themselves(
        self, organizer: User, settings: Settings
    ) -> None:
        settings.TRUSTED_PROXIES = 1
        client = Client(headers={"x-forwarded-for": f"1.1.1.1, {ELSEWHERE}"})
        for _ in range(6):
            response = try_it(client=client)
        assert response.status_code == 429
        client = Client(headers={"x-forwarded-for": f"1.1.1.1, {HERE}"})
        assert try_it(client=client).status_code == 422


class TestPasskeys:
    """A question that nobody has to be somebody to ask."""

    def test_questions_are_counted_by_address_and_cost_no_row_beyond_that(self, db: None) -> None:
        def ask(address: str) -> int:
            headers = {"accept": "application/json"}
            return Client(headers=headers).get("/sign-in/passkey/", REMOTE_ADDR=address).status_code

        assert [ask(HERE) for _ in range(52)] == [200] * 50 + [429] * 2
        assert Session.objects.count() == 50
        assert ask(ELSEWHERE) == 200


class TestOneDoor:
    """Django's admin has no door of its own."""

    def test_its_sign_in_leads_to_ours(self, db: None) -> None:
        assert Client().get("/admin/login/")["Location"].startswith("/sign-in/?next=")
        assert Client().post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302


class TestProcesses:
    """Everybody counts together."""

    @pytest.mark.django_db(transaction=True)
    def test_tries_at_the_same_moment_are_all_counted(self) -> None:
        UserFactory(username="organizer")

        def one(_number: int) -> int:
            try:
                return try_it().status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(one, range(8)))
        assert answers.count(422) <= 5
        assert try_it().status_code in {422, 429}
        assert statuses(6)[-1] == 429

    def test_counts_are_rows_that_go(self, organizer: User) -> None:
        statuses(5)
        cache.set("kept", 1, 3600)
        assert CacheRow.objects.count() > 1
        CacheRow.objects.exclude(cache_key__contains="kept").update(
            expires=timezone.now() - timedelta(seconds=1)
        )
        recovering._forget_expired_cache()
        assert CacheRow.objects.count() == 1
