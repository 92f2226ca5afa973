"""Tokens for programs: what they are, how they are made and revoked, and what is kept of them."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites import tokens
from invites.models import ApiToken, AuditEntry, User
from invites.models.api_token import PAGE_SIZE, Scope
from tests.conftest import SignedIn, confirmed, htmx
from tests.invites.programs import expire, token_of

pytestmark = pytest.mark.django_db

LIST = "/settings/tokens/"
NEW = "/settings/tokens/new/"
TYPED = {"name": "Calendar", "scopes": ["invitations:send", "conferences:read"], "days": "90"}


def made(client: Client, **typed: object) -> str:
    """The text that the page shows once a token is made."""
    page = client.post(NEW, TYPED | typed).content.decode()
    found = re.search(r"<code[^>]*>(ci_[0-9a-f]{64})</code>", page)
    assert found
    return found[1]


def revoke(token: ApiToken) -> str:
    return f"{LIST}{token.pk}/revoke/"


class TestToken:
    def test_it_is_found_by_its_text_alone_and_kept_as_a_digest(self, organizer: User) -> None:
        text = token_of(organizer, Scope.CONTACTS_READ)
        token = ApiToken.objects.get()
        assert tokens.find(text) == token
        assert tokens.find(text[:-1]) is None
        assert text not in str(ApiToken.objects.values())
        assert token.hint == text[: len(token.hint)]
        assert token.allows(Scope.CONTACTS_READ)
        assert not token.allows(Scope.CONTACTS_WRITE)

    def test_expired_and_revoked_tokens_and_those_of_whoever_left_open_nothing(self, organizer: User) -> None:
        expired, revoked, left = (token_of(organizer, name=name) for name in ("expired", "revoked", "left"))
        expire(expired)
        tokens.revoke(ApiToken.objects.get(name="revoked"))
        assert [tokens.find(text) is not None for text in (expired, revoked, left)] == [False, False, True]
        organizer.is_active = False
        organizer.save()
        assert tokens.find(left) is None

    def test_its_use_is_noted_at_most_once_a_minute(
        self, organizer: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        text = token_of(organizer)
        with time_machine.travel(timezone.now(), tick=False) as now:
            with django_assert_num_queries(2):
                tokens.find(text)
            with django_assert_num_queries(1):
                tokens.find(text)
            now.shift(timedelta(seconds=61))
            tokens.find(text)
            assert ApiToken.objects.get().last_used_at == timezone.now()


class TestTokenList:
    """The list, and making another one."""

    def test_empty_page_says_what_a_token_is_for(self, auditor: User, signed_in: SignedIn) -> None:
        client = confirmed(signed_in(auditor))
        assertContains(client.get(LIST), "You have no tokens")
        page = client.get(NEW)
        assertContains(page, 'value="invitations:read"')
        assertNotContains(page, 'value="invitations:send"')

    def test_token_is_shown_once_and_is_on_record_without_its_text(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        client = confirmed(signed_in(organizer))
        text = made(client)
        token = ApiToken.objects.get()
        assert tokens.find(text) == token
        assert (token.user, token.scopes) == (organizer, TYPED["scopes"])
        assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
        page = client.get(LIST)
        assertContains(page, "Calendar")
        assertContains(page, token.hint)
        assertNotContains(page, text)
        entries = AuditEntry.objects.filter(actor=organizer, content_type__model="apitoken")
        assert len(entries) == 1
        assert text not in str(entries.values())
        assert token.digest not in str(entries.values())

    def test_record_of_changes_says_in_words_what_it_is_for(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        made(confirmed(signed_in(organizer)))
        entry = AuditEntry.objects.get(content_type__model="apitoken")
        reader = signed_in(administrator)
        assertContains(reader.get("/history/changes/?kind=apitoken"), "Calendar")
        page = reader.get(f"/history/changes/{entry.pk}/")
        for words in ("Invite people", "Read conferences", "Beginning of the token", "In the name of"):
            assertContains(page, words)

    def test_second_press_makes_no_second_token(self, organizer: User, signed_in: SignedIn) -> None:
        client = confirmed(signed_in(organizer))
        made(client)
        again = client.post(NEW, TYPED)
        assertContains(again, "You have a token of this name", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert ApiToken.objects.count() == 1
        tokens.revoke(ApiToken.objects.get())
        made(client)

    @pytest.mark.parametrize(
        ("field", "typed"),
        [("name", ""), ("name", "a\nb"), ("scopes", []), ("scopes", ["everything"]), ("days", "1000")],
    )
    def test_what_is_wrong_stands_at_its_field_and_the_rest_stays(
        self, field: str, typed: object, organizer: User, signed_in: SignedIn
    ) -> None:
        answer = confirmed(signed_in(organizer)).post(NEW, TYPED | {field: typed})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert list(answer.context["form"].errors) == [field]
        if field != "name":
            assertContains(answer, 'value="Calendar"', status_code=answer.status_code)
        assert not ApiToken.objects.exists()

    def test_auditor_can_make_none_that_sends(self, auditor: User, signed_in: SignedIn) -> None:
        answer = confirmed(signed_in(auditor)).post(NEW, TYPED)
        assert list(answer.context["form"].errors) == ["scopes"]

    def test_list_costs_the_same_for_one_and_for_many_and_goes_on(
        self, organizer: User, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = signed_in(organizer)
        token_of(organizer, name="first")
        client.get(LIST)
        with django_assert_num_queries(5) as few:
            client.get(LIST)
        for number in range(PAGE_SIZE):
            token_of(organizer, name=f"token {number}")
        with django_assert_num_queries(len(few.captured_queries)):
            page = client.get(LIST)
        assertNotContains(page, ">first<")
        more = client.get(f"{LIST}?before={page.context['next_cursor']}", headers=htmx("more_tokens"))
        assertContains(more, ">first<")
        assertNotContains(more, "<html")

    def test_nobody_sees_or_revokes_those_of_others(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        token_of(organizer, name="theirs")
        client = signed_in(administrator)
        assertNotContains(client.get(LIST), "theirs")
        assert client.post(revoke(ApiToken.objects.get())).status_code == HTTPStatus.NOT_FOUND
        assert [Client().get(page).status_code for page in (LIST, NEW)] == [HTTPStatus.FOUND] * 2

    def test_whoever_signed_in_long_ago_is_asked_who_they_are_first(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        with time_machine.travel(timezone.now() + timedelta(hours=1)):
            for answer in (client.get(NEW), client.post(NEW, TYPED)):
                assert answer.status_code == HTTPStatus.FOUND
                assert "/settings/security/confirm/" in answer["Location"]
        assert not ApiToken.objects.exists()


class TestTokenRevoke:
    def test_it_asks_once_then_the_token_opens_nothing(self, organizer: User, signed_in: SignedIn) -> None:
        text = token_of(organizer, name="Calendar")
        token, client = ApiToken.objects.get(), signed_in(organizer)
        assertContains(client.get(revoke(token)), "Revoke “Calendar”?")
        assert tokens.find(text) is not None
        for _press in range(2):
            assertRedirects(client.post(revoke(token)), LIST)
        assert tokens.find(text) is None
        assertContains(client.get(LIST), "You have no tokens")
        assert (
            AuditEntry.objects.filter(content_type__model="apitoken", changes__has_key="revoked_at").count()
            == 1
        )
