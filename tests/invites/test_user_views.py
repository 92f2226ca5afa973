"""Users as administrators look after them."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import appointing, tokens
from invites.errors import ChangedMeanwhile, LastAdministrator, OwnRights
from invites.models import ApiToken, AuditEntry, SignUpLink, User
from invites.models.api_token import Scope
from invites.models.user import Role
from tests.conftest import SignedIn, confirmed, htmx
from tests.factories import (
    PASSWORD,
    AddressBookFactory,
    AppFactory,
    ConferenceFactory,
    InvitationFactory,
    UserFactory,
)
from tests.invites.programs import token_of
from tests.invites.test_curating_together import together

LIST = "/settings/users/"
NEW = f"{LIST}new/"
NEW_USER = {
    "username": "ada",
    "first_name": "Ada Example",
    "email": "ada@example.org",
    "role": "auditor",
    "may_see_phone_numbers": "on",
    "union_id": "u-9",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture
def client_of_administrator(administrator: User, signed_in: SignedIn) -> Client:
    """Of somebody who has just shown who they are."""
    return confirmed(signed_in(administrator))


def shown(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == HTTPStatus.OK
    return [user.username for user in response.context["users"]]


def facts_of(user: User, **facts: str) -> dict[str, str]:
    """What the form of ``user`` sends, with other ``facts``; "" for a box that is not ticked."""
    stored = {name: getattr(user, name) for name in ("username", "first_name", "email", "union_id", "role")}
    return {name: value for name, value in (stored | facts).items() if value}


def page_of(user: User, *rest: str) -> str:
    return "/".join([f"{LIST}{user.pk}", *rest, ""])


class TestUserList:
    def test_those_who_can_sign_in_stand_first(self, client_of_administrator: Client) -> None:
        for name, is_active in (("b", False), ("c", True), ("a", True)):
            UserFactory(username=name, is_active=is_active)
        assert shown(client_of_administrator) == ["a", "administrator", "c", "b"]

    @pytest.mark.parametrize("text", ["zhang", "SAN", "example.org", "u-17"])
    def test_search_finds_by_any_name_mail_and_union_id(
        self, text: str, client_of_administrator: Client
    ) -> None:
        facts = {"first_name": "San", "email": "z@example.org", "union_id": "u-17"}
        UserFactory(username="zhang", **facts)
        UserFactory(username="somebody")
        assert shown(client_of_administrator, f"q={text}") == ["zhang"]

    def test_filters_narrow_by_role_and_by_state(self, client_of_administrator: Client) -> None:
        UserFactory(username="reader", role=Role.AUDITOR)
        UserFactory(username="gone", role=Role.AUDITOR, is_active=False)
        assert shown(client_of_administrator, "role=auditor") == ["reader", "gone"]
        assert shown(client_of_administrator, "role=auditor&state=barred") == ["gone"]
        assert shown(client_of_administrator, "state=active") == ["administrator", "reader"]

    def test_pages_follow_each_other_without_a_gap(
        self, client_of_administrator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.forms.user.PAGE_SIZE", 2)
        for number in range(6):
            UserFactory(username=f"u{number}", is_active=number % 2 == 0)
        seen, query = [], ""
        for _page in range(5):
            response = client_of_administrator.get(f"{LIST}?{query}")
            seen += [user.username for user in response.context["users"]]
            if not response.context["next_page"]:
                break
            query = response.context["next_page"].partition("?")[2]
        assert seen == ["administrator", "u0", "u2", "u4", "u1", "u3", "u5"]

    @pytest.mark.parametrize("query", ["after=x", "after=999999", "role=king", "state=?", "q=%25"])
    def test_nonsense_in_the_address_breaks_nothing(
        self, query: str, client_of_administrator: Client
    ) -> None:
        assert client_of_administrator.get(f"{LIST}?{query}").status_code == HTTPStatus.OK

    def test_nobody_fits_says_so(self, client_of_administrator: Client) -> None:
        assert "Nobody fits" in client_of_administrator.get(f"{LIST}?q=xyzzy").content.decode()

    def test_fragment_is_the_list_alone(self, client_of_administrator: Client) -> None:
        page = client_of_administrator.get(LIST, headers=htmx("users")).content.decode()
        assert page.lstrip().startswith('<div id="users"')
        page = client_of_administrator.get(LIST, headers=htmx("elsewhere")).content.decode()
        assert "<html" in page

    @pytest.mark.parametrize("count", [1, 50])
    def test_number_of_queries_does_not_grow_with_rows(
        self, count: int, client_of_administrator: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        UserFactory.create_batch(count)
        # Session, user, users, and the banner's two.
        with django_assert_num_queries(5):
            client_of_administrator.get(LIST)


class TestUserCreate:
    def test_user_gets_role_and_password(self, client_of_administrator: Client) -> None:
        response = client_of_administrator.post(NEW, NEW_USER)
        user = User.objects.get(username="ada")
        assert response["Location"] == page_of(user)
        assert (user.role, user.may_see_phone_numbers, user.is_staff) == (Role.AUDITOR, True, False)
        assert (user.display_name, user.email, user.union_id) == ("Ada Example", "ada@example.org", "u-9")
        assert user.check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"username": "ORGANIZER"}, "username"),
            ({"email": "Of@Example.org"}, "email"),
            ({"role": ""}, "role"),
            ({"role": "king"}, "role"),
            ({"union_id": "with blank"}, "union_id"),
            ({"password2": "another one"}, "password2"),
            ({"password1": "12345678", "password2": "12345678"}, "password2"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, wrong: dict[str, str], field: str, organizer: User, client_of_administrator: Client
    ) -> None:
        User.objects.filter(pk=organizer.pk).update(email="of@example.org")
        response = client_of_administrator.post(NEW, NEW_USER | wrong)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors.keys() == {field}
        assert 'value="Ada Example"' in response.content.decode()
        assert PASSWORD not in response.content.decode()
        assert User.objects.count() == 2

    def test_second_press_makes_no_second_user(self, client_of_administrator: Client) -> None:
        statuses = [client_of_administrator.post(NEW, NEW_USER).status_code for _press in range(2)]
        assert statuses == [302, 422]
        assert User.objects.filter(username__iexact="ada").count() == 1


class TestOpenSession:
    """Whoever sits down at an administrator's makes no way in that stays."""

    @pytest.mark.parametrize("facts", [{"role": "administrator"}, {"email": "thief@example.org"}])
    def test_role_and_address_are_changed_by_who_shows_who_they_are(
        self, organizer: User, administrator: User, signed_in: SignedIn, facts: dict[str, str]
    ) -> None:
        client, typed = signed_in(administrator), facts_of(organizer, **facts)
        before = User.objects.values().get(pk=organizer.pk)
        asked = client.post(page_of(organizer), typed)["Location"]
        assert asked.startswith("/settings/security/confirm/")
        assert User.objects.values().get(pk=organizer.pk) == before
        client.post(asked, {"password": PASSWORD, "next": page_of(organizer)})
        assert User.objects.values().get(pk=organizer.pk) == before | facts | {
            "is_staff": "role" in facts,
            "is_superuser": "role" in facts,
        }

    def test_anything_else_is_changed_as_before(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        typed = facts_of(organizer, first_name="Ada")
        assert signed_in(administrator).post(page_of(organizer), typed)["Location"] == page_of(organizer)

    def test_nobody_is_added(self, administrator: User, signed_in: SignedIn) -> None:
        assert (
            signed_in(administrator).post(NEW, NEW_USER)["Location"].startswith("/settings/security/confirm/")
        )
        assert User.objects.get() == administrator


class TestUserEdit:
    def test_role_makes_an_administrator_and_takes_it_back(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        url = page_of(organizer)
        assert client_of_administrator.post(url, facts_of(organizer, role="administrator")).status_code == 302
        marks = User.objects.values_list("is_staff", "is_superuser", "may_see_phone_numbers")
        assert marks.get(pk=organizer.pk) == (True, True, False)
        rights = facts_of(organizer, role="auditor", may_see_phone_numbers="on")
        assert client_of_administrator.post(url, rights).status_code == 302
        assert marks.get(pk=organizer.pk) == (False, False, True)

    def test_change_is_on_record(
        self, organizer: User, administrator: User, client_of_administrator: Client
    ) -> None:
        client_of_administrator.post(page_of(organizer), facts_of(organizer, role="auditor"))
        entry = AuditEntry.objects.get_for_object(organizer).latest("pk")
        assert (entry.actor, entry.changes) == (administrator, {"role": ["organizer", "auditor"]})

    def test_nobody_changes_their_own_rights(
        self, administrator: User, client_of_administrator: Client
    ) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        page = client_of_administrator.get(page_of(administrator)).content.decode()
        assert 'name="role"' not in page
        assert page_of(administrator, "bar") not in page
        facts = facts_of(administrator, role="organizer", first_name="Ada Example")
        assert client_of_administrator.post(page_of(administrator), facts).status_code == 302
        administrator.refresh_from_db()
        assert (administrator.role, administrator.first_name) == (Role.ADMINISTRATOR, "Ada Example")

    def test_wrong_value_stays_in_its_field_and_the_old_name_in_the_heading(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        facts = facts_of(organizer, first_name="Typed Name", union_id="with blank")
        response = client_of_administrator.post(page_of(organizer), facts)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors.keys() == {"union_id"}
        assert response.content.decode().count("Typed Name") == 1
        assert response.context["name"] == "organizer"

    def test_administrator_who_is_demoted_made_sign_up_links_in_vain(
        self, client_of_administrator: Client
    ) -> None:
        other = UserFactory(role=Role.ADMINISTRATOR)
        appointed = SignUpLink.objects.create(
            digest="d",
            made_by=other,
            role=Role.ADMINISTRATOR,
            expires_at=timezone.now() + timedelta(days=1),
        )
        client_of_administrator.post(page_of(other), facts_of(other, role="organizer"))
        appointed.refresh_from_db()
        assert appointed.revoked_at is not None

    def test_page_that_is_out_of_date_undoes_nothing_and_says_what_is_different(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        url = page_of(organizer)
        seen = client_of_administrator.get(url).context["form"]["seen"].value()
        old = facts_of(organizer, first_name="Ada", role="administrator", seen=seen)
        changed = {"first_name": "Grace", "may_see_phone_numbers": True, "role": "auditor"}
        User.objects.filter(pk=organizer.pk).update(**changed)
        refused = client_of_administrator.post(url, old)
        form = refused.context["form"]
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert form.errors.keys() == changed.keys()
        for words in ("to “Grace”", "to “Auditor”", "It stands here as it is now."):
            assert words in refused.content.decode()
        assert 'value="Ada"' in refused.content.decode()
        organizer.refresh_from_db()
        assert (organizer.first_name, organizer.may_see_phone_numbers) == ("Grace", True)
        # What the other one has changed stands in the form by now, and the next press is about that.
        again = {each.name: each.value() for each in form if each.value()} | {"seen": form["seen"].value()}
        assert client_of_administrator.post(url, again)["Location"] == url
        organizer.refresh_from_db()
        assert (organizer.first_name, organizer.may_see_phone_numbers) == ("Ada", True)

    def test_same_change_by_two_is_no_conflict(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        url = page_of(organizer)
        seen = client_of_administrator.get(url).context["form"]["seen"].value()
        for _administrator in range(2):
            facts = facts_of(organizer, first_name="Ada", seen=seen)
            assert client_of_administrator.post(url, facts)["Location"] == url

    @pytest.mark.parametrize("seen", ["{", "a:b:c", "\0", "[" * 5000])
    def test_page_that_says_nonsense_of_itself_breaks_nothing(
        self, seen: str, organizer: User, client_of_administrator: Client
    ) -> None:
        answer = client_of_administrator.post(page_of(organizer), facts_of(organizer, seen=seen))
        assert answer.status_code in {HTTPStatus.FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}

    def test_user_who_is_gone_is_not_found(self, client_of_administrator: Client) -> None:
        assert client_of_administrator.get(f"{LIST}999999/").status_code == HTTPStatus.NOT_FOUND


class TestRightsInTheDomain:
    """What holds whatever a page has shown."""

    def test_last_administrator_stays(self, administrator: User, organizer: User) -> None:
        administrator.role = Role.ORGANIZER
        with pytest.raises(LastAdministrator):
            appointing.change(user=administrator, fields=["role"], by=organizer)
        administrator.refresh_from_db()
        with pytest.raises(LastAdministrator):
            appointing.bar(user=administrator, by=organizer)
        administrator.refresh_from_db()
        assert (administrator.role, administrator.is_active) == (Role.ADMINISTRATOR, True)

    def test_nobody_takes_or_bars_themselves(self, administrator: User) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        for act in (appointing.bar, appointing.readmit):
            with pytest.raises(OwnRights):
                act(user=administrator, by=administrator)

    @pytest.mark.django_db(transaction=True)
    def test_two_who_demote_each_other_at_the_same_moment_leave_one(self) -> None:
        one, other = UserFactory.create_batch(2, role=Role.ADMINISTRATOR)

        def demote(whom: User, by: User) -> None:
            user = User.objects.get(pk=whom.pk)
            user.role = Role.ORGANIZER
            appointing.change(user=user, fields=["role"], by=by)

        outcomes = together(lambda: demote(one, other), lambda: demote(other, one))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdministrator", "NoneType"]
        assert User.objects.all().administrators().count() == 1

    def test_change_between_check_and_write_is_not_written_over(
        self, organizer: User, administrator: User
    ) -> None:
        User.objects.filter(pk=organizer.pk).update(first_name="Grace")
        organizer.first_name = "Ada"
        with pytest.raises(ChangedMeanwhile):
            appointing.change(
                user=organizer, fields=["first_name"], by=administrator, known={"first_name": ""}
            )
        organizer.refresh_from_db()
        assert organizer.first_name == "Grace"


class TestAccess:
    def test_another_password_signs_out_and_opens(
        self, organizer: User, client_of_administrator: Client, signed_in: SignedIn
    ) -> None:
        theirs = signed_in(organizer)
        url = page_of(organizer, "password")
        response = client_of_administrator.post(url, {"password1": "quite another one", "password2": "other"})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "quite another one" not in response.content.decode()
        twice = dict.fromkeys(("password1", "password2"), "quite another one")
        token = token_of(organizer)
        assert client_of_administrator.post(url, twice)["Location"] == page_of(organizer)
        assert theirs.get("/settings/").status_code == 302
        assert tokens.find(token) is None
        organizer.refresh_from_db()
        assert organizer.check_password("quite another one")

    def test_barred_user_is_out_at_once_and_comes_back_as_they_were(
        self, organizer: User, client_of_administrator: Client, signed_in: SignedIn
    ) -> None:
        theirs = signed_in(organizer)
        conference = ConferenceFactory(owner=organizer)
        later = timezone.now()
        InvitationFactory(conference=conference, scheduled_for=later, scheduled_by=organizer)
        page = client_of_administrator.get(page_of(organizer, "bar")).content.decode()
        assert "1 conference" in page
        assert "1 invitation that waits to be sent in their name" in page
        for _press in range(2):
            assert client_of_administrator.post(page_of(organizer, "bar")).status_code == 302
        assert theirs.get("/settings/").status_code == 302
        assert not Client().login(username="organizer", password=PASSWORD)
        for _press in range(2):
            client_of_administrator.post(page_of(organizer, "readmit"))
        assert Client().login(username="organizer", password=PASSWORD)

    def test_tokens_of_who_was_barred_stay_revoked_and_it_is_on_record(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        token = ApiToken(user=organizer, name="robot", scopes=[Scope.CONFERENCES_READ])
        made = tokens.make(token, days=1)
        assert tokens.find(made.text) is not None
        for act in ("bar", "readmit"):
            client_of_administrator.post(page_of(organizer, act))
        assert User.objects.get(pk=organizer.pk).is_active
        assert tokens.find(made.text) is None
        entry = AuditEntry.objects.filter(object_repr="robot").latest("pk")
        assert "revoked_at" in entry.changes_dict

    def test_who_one_is_comes_before_a_password_for_somebody_else(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        before = User.objects.values("password").get(pk=organizer.pk)
        twice = dict.fromkeys(("password1", "password2"), "quite another one")
        for act in ("password", "second-factor/reset"):
            response = signed_in(administrator).post(page_of(organizer, act), twice)
            assert response.status_code == HTTPStatus.FOUND
            assert response["Location"].startswith("/settings/security/confirm/")
        assert User.objects.values("password").get(pk=organizer.pk) == before

    def test_other_role_signs_out_and_sessions_can_be_ended(
        self, organizer: User, client_of_administrator: Client, signed_in: SignedIn
    ) -> None:
        theirs = signed_in(organizer)
        assert "in 1 browser" in client_of_administrator.get(page_of(organizer)).content.decode()
        client_of_administrator.post(page_of(organizer), facts_of(organizer, first_name="Ada"))
        assert theirs.get("/settings/").status_code == HTTPStatus.OK
        client_of_administrator.post(page_of(organizer), facts_of(organizer, role="auditor"))
        assert theirs.get("/settings/").status_code == HTTPStatus.FOUND

    def test_signing_out_everywhere_asks_once_and_ends_tokens_too(
        self, organizer: User, client_of_administrator: Client, signed_in: SignedIn
    ) -> None:
        theirs, token, url = signed_in(organizer), token_of(organizer), page_of(organizer, "sign-out")
        assert url in client_of_administrator.get(page_of(organizer)).content.decode()
        question = client_of_administrator.get(url).content.decode()
        assert "1 session" in question
        assert "1 token for programs" in question
        assert theirs.get("/settings/").status_code == HTTPStatus.OK
        assert tokens.find(token) is not None
        for _press in range(2):
            assert client_of_administrator.post(url)["Location"] == page_of(organizer)
        assert theirs.get("/settings/").status_code == HTTPStatus.FOUND
        assert tokens.find(token) is None
        assert url not in client_of_administrator.get(page_of(organizer)).content.decode()

    def test_lost_second_factor_is_reset_after_asking_once(
        self, organizer: User, client_of_administrator: Client
    ) -> None:
        Authenticator.objects.create(user=organizer, type=Authenticator.Type.TOTP, data={"secret": "x"})
        url = page_of(organizer, "second-factor/reset")
        assert url in client_of_administrator.get(page_of(organizer)).content.decode()
        assert "really them" in client_of_administrator.get(url).content.decode()
        for _press in range(2):
            assert client_of_administrator.post(url)["Location"] == page_of(organizer)
        assert not Authenticator.objects.filter(user=organizer).exists()

    @pytest.mark.parametrize("act", ["bar", "readmit", "password", "sign-out", "second-factor/reset"])
    def test_nobody_does_it_to_themselves(
        self, act: str, administrator: User, client_of_administrator: Client
    ) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        before = User.objects.values().get(pk=administrator.pk)
        response = client_of_administrator.post(page_of(administrator, act), {"password1": "x"})
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert User.objects.values().get(pk=administrator.pk) == before


class TestHandingOver:
    def test_conferences_and_books_get_another_owner_on_record(
        self, organizer: User, other_organizer: User, administrator: User, client_of_administrator: Client
    ) -> None:
        conferences = ConferenceFactory.create_batch(2, owner=organizer)
        conferences[0].co_organizers.add(other_organizer)
        app = AppFactory()
        book = AddressBookFactory(owner=organizer, app=app, name="Team")
        AddressBookFactory(owner=other_organizer, app=app, name="TEAM")
        kept = ConferenceFactory()
        url = page_of(organizer, "hand-over")
        facts = {"username": "other", "conferences": "on", "books": "on"}
        assert client_of_administrator.post(url, facts)["Location"] == page_of(organizer)
        for conference in conferences:
            conference.refresh_from_db()
            assert conference.owner == other_organizer
            assert not conference.co_organizers.exists()
            entry = AuditEntry.objects.get_for_object(conference).latest("pk")
            assert (entry.actor, entry.changes) == (
                administrator,
                {"owner": [organizer.pk, other_organizer.pk]},
            )
        book.refresh_from_db()
        assert (book.owner, book.name) == (other_organizer, "Team (organizer)")
        kept.refresh_from_db()
        assert kept.owner != other_organizer
        assert "2 conferences and 1 address book" in client_of_administrator.get(LIST).content.decode()

    def test_only_what_was_chosen_goes(
        self, organizer: User, other_organizer: User, client_of_administrator: Client
    ) -> None:
        conference, book = ConferenceFactory(owner=organizer), AddressBookFactory(owner=organizer)
        facts = {"username": "other", "books": "on"}
        client_of_administrator.post(page_of(organizer, "hand-over"), facts)
        conference.refresh_from_db()
        book.refresh_from_db()
        assert (conference.owner, book.owner) == (organizer, other_organizer)

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"username": "nobody"}, "username"),
            ({"username": "auditor"}, "username"),
            ({"username": "organizer"}, "username"),
            ({"username": "other", "conferences": "", "books": ""}, "__all__"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self,
        facts: dict[str, str],
        field: str,
        organizer: User,
        other_organizer: User,
        auditor: User,
        client_of_administrator: Client,
    ) -> None:
        conference = ConferenceFactory(owner=organizer)
        shown = client_of_administrator.get(page_of(organizer, "hand-over")).content.decode()
        assert "1 conference" in shown
        assert "address book" not in shown.partition("<main")[2]
        sent = {"conferences": "on", "books": "on"} | facts
        response = client_of_administrator.post(
            page_of(organizer, "hand-over"), {name: value for name, value in sent.items() if value}
        )
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors.keys() == {field}
        conference.refresh_from_db()
        assert conference.owner == organizer

    def test_number_of_queries_does_not_grow_with_conferences(
        self, organizer: User, other_organizer: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ConferenceFactory.create_batch(30, owner=organizer, app=AppFactory())
        with django_assert_max_num_queries(10):
            appointing.hand_over(owner=organizer, to=other_organizer, conferences=True, books=True)
