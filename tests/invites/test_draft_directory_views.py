"""The company directory in the composer: searched when somebody asks for it, and people added from it."""

import pytest
from django.test import Client

from invites.composing import may_be_a_colleague
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.models import AddressBook, BookChange, CallCount, Conference, Contact, Invitee, User
from invites.models.address_book import Sharing
from invites.models.app import App, AppKind
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ContactFactory, MarkedContactFactory
from tests.invites.composer import CHANGE, SEARCH, at, page_of

IN_PLACE = htmx("draft_directory")
MORE = htmx("draft_directory_more")
PERMISSION = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
ZHANG = "staff-person-01"


@pytest.fixture
def client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer, name="Mine")


@pytest.fixture
def here(conference: Conference) -> str:
    return at("draft_directory", conference)


def asked(sandbox: SandboxServer) -> list[Operation | None]:
    tokens = {Operation.TOKEN}
    return [each.operation for each in sandbox.received if each.operation not in tokens]


class TestSuggestion:
    def test_typing_a_name_offers_the_directory_and_asks_it_nothing(
        self, client: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        answer = client.get(at("draft_search", conference), {"text": "张"}, headers=SEARCH)
        assert "Search the company directory for “张”" in answer.text
        assert asked(sandbox) == []

    @pytest.mark.parametrize("text", ["", "13800138000", "张三, 李四", "exxxxxxxx1QiE"])
    def test_what_is_no_name_is_not_offered(self, client: Client, conference: Conference, text: str) -> None:
        answer = client.get(at("draft_search", conference), {"text": text}, headers=SEARCH)
        assert "company directory" not in answer.text

    def test_a_name_that_many_contacts_have_is_not_offered(
        self, client: Client, conference: Conference, book: AddressBook
    ) -> None:
        for _ in range(8):
            ContactFactory(book=book, nick="Kim Lee")
        answer = client.get(at("draft_search", conference), {"text": "Kim"}, headers=SEARCH)
        assert "company directory" not in answer.text
        assert may_be_a_colleague("Kim", found=[])


class TestSearch:
    def test_people_are_found_as_a_page(self, client: Client, here: str) -> None:
        answer = client.get(here, {"q": "sample"})
        assert answer.status_code == 200
        assert "<html" in answer.text
        assert "Alex Sample" in answer.text
        assert "sandbox-person-21" in answer.text

    def test_people_are_found_in_place_with_two_calls_that_cost_nothing(
        self, client: Client, here: str, sandbox: SandboxServer, conference: Conference
    ) -> None:
        answer = client.get(here, {"q": "三"}, headers=IN_PLACE)
        assert "<html" not in answer.text
        assert "张三" in answer.text
        assert asked(sandbox) == [Operation.CONTACT_SEARCH, Operation.CONTACT_BATCH]
        assert all(CallCount.objects.filter(app=conference.app).values_list("is_exempt", flat=True))

    def test_another_target_gets_the_whole_page(self, client: Client, here: str) -> None:
        answer = client.get(here, headers=htmx("else"))
        assert "<html" in answer.text

    def test_nothing_is_asked_for_no_text(self, client: Client, here: str, sandbox: SandboxServer) -> None:
        for text in ("", " ", "x" * 51):
            assert client.get(here, {"q": text}, headers=IN_PLACE).status_code == 200
        assert asked(sandbox) == []

    def test_nobody_is_found(self, client: Client, here: str, sandbox: SandboxServer) -> None:
        answer = client.get(here, {"q": "Nobody at all"}, headers=IN_PLACE)
        assert "finds nobody" in answer.text
        assert asked(sandbox) == [Operation.CONTACT_SEARCH]

    def test_no_more_are_offered_where_all_are_shown(self, client: Client, here: str) -> None:
        for text in ("a", ""):
            assert "draft_directory_more" not in client.get(here, {"q": text}, headers=IN_PLACE).text

    def test_a_long_result_goes_on(self, client: Client, here: str, sandbox: SandboxServer) -> None:
        for number in range(25):
            sandbox.company.add(
                name=f"Twin {number:02}", department_id=10, user_id=f"staff-t{number:02}", phone_number=None
            )
        first = client.get(here, {"q": "Twin"}, headers=IN_PLACE)
        assert first.text.count('name="person"') == 20
        assert "offset=20" in first.text
        rest = client.get(here, {"q": "Twin", "offset": "20"}, headers=MORE)
        assert rest.text.count('name="person"') == 5
        assert "<form" not in rest.text

    def test_numbers_are_as_complete_as_the_viewer_may_see_them(self, client: Client, here: str) -> None:
        # An organizer may see them.
        assert "+44 20 7946 0033" in client.get(here, {"q": "Jo Drama"}, headers=IN_PLACE).text

    def test_who_is_known_here_is_told(
        self, client: Client, here: str, conference: Conference, book: AddressBook
    ) -> None:
        MarkedContactFactory(book=book, nick="Zhang", union_id="sandbox-person-01")
        client.post(here, {"person": "staff-person-21"}, headers=CHANGE)
        found = client.get(here, {"q": "三"}, headers=IN_PLACE).text
        assert "Mine" in found
        assert "On leave" in found
        assert "On the list" in client.get(here, {"q": "Alex"}, headers=IN_PLACE).text

    def test_books_that_may_be_changed_are_offered(
        self, client: Client, here: str, conference: Conference, book: AddressBook
    ) -> None:
        AddressBookFactory(app=conference.app, name="For reading", sharing=Sharing.READ)
        AddressBookFactory(app=conference.app, name="For all", sharing=Sharing.WRITE)
        AddressBookFactory(name="Of another app", owner=book.owner)
        found = client.get(here, {"q": "sample"}, headers=IN_PLACE).text
        assert f'<option value="{book.pk}">Mine</option>' in found
        assert "For all" in found
        assert "For reading" not in found
        assert "Of another app" not in found

    @pytest.mark.parametrize("people", [1, 20])
    def test_it_takes_the_same_number_of_queries_for_one_and_for_many(
        self,
        client: Client,
        here: str,
        sandbox: SandboxServer,
        django_assert_max_num_queries: object,
        people: int,
        book: AddressBook,
    ) -> None:
        for number in range(people):
            sandbox.company.add(
                name=f"Twin {number:02}", department_id=10, user_id=f"staff-t{number:02}", phone_number=None
            )
            MarkedContactFactory(book=book, union_id=f"sandbox-t{number:02}", nick="T")
        client.get(here, {"q": "Twin"}, headers=IN_PLACE)
        # Two of them set up the transactions in which PostgreSQL counts how often somebody searches.
        with django_assert_max_num_queries(16):  # type: ignore[operator]
            client.get(here, {"q": "Twin"}, headers=IN_PLACE)


class TestRefusal:
    @pytest.mark.parametrize("operation", ["contact_search", "contact_batch"])
    def test_a_missing_permission_is_put_into_words_with_a_way_to_try_again(
        self, client: Client, here: str, sandbox: SandboxServer, operation: str
    ) -> None:
        sandbox.add_fault(f"code:{PERMISSION}", operation=operation)
        answer = client.get(here, {"q": "三"}, headers=IN_PLACE)
        assert answer.status_code == 200
        assert "The app may not read the company directory" in answer.text
        assert "Search again" in answer.text
        assert PERMISSION in answer.text

    @pytest.mark.parametrize("fault", ["html", "html_502", "throttled", "drop", "cut_json", "quota"])
    def test_any_other_failure_too(
        self, client: Client, here: str, sandbox: SandboxServer, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="contact_search")
        assert "Search again" in client.get(here, {"q": "三"}, headers=IN_PLACE).text
        assert "张三" in client.get(here, {"q": "三"}, headers=IN_PLACE).text

    def test_dingtalk_is_away(self, client: Client, here: str, sandbox: SandboxServer) -> None:
        sandbox.stop()
        answer = client.get(here, {"q": "三"})
        assert "DingTalk could not be reached" in answer.text

    def test_the_app_is_switched_off(self, client: Client, here: str, conference: Conference) -> None:
        App.objects.filter(pk=conference.app.pk).update(enabled=False)
        assert client.get(here, {"q": "三"}, headers=IN_PLACE).status_code == 409

    def test_more_of_them_fail(self, client: Client, here: str, sandbox: SandboxServer) -> None:
        sandbox.add_fault("html_502", operation="contact_search")
        answer = client.get(here, {"q": "三", "offset": "20"}, headers=MORE)
        assert "Search again" in answer.text
        assert "offset=20" in answer.text


class TestAdd:
    def test_somebody_joins_the_list_by_union_id(
        self, client: Client, here: str, conference: Conference, sandbox: SandboxServer
    ) -> None:
        answer = client.post(here, {"person": ZHANG}, headers=CHANGE)
        assert answer.status_code == 200
        assert "“张三” was added." in answer.text
        person = Invitee.objects.get()
        assert (person.channel, person.value, person.nick) == ("union_id", "sandbox-person-01", "张三")
        assert asked(sandbox) == [Operation.CONTACT_BATCH]

    def test_without_script_it_leads_back_to_the_list(
        self, client: Client, here: str, conference: Conference
    ) -> None:
        answer = client.post(here, {"person": ZHANG})
        assert (answer.status_code, answer.headers["location"]) == (302, page_of(conference))
        assert Invitee.objects.get().nick == "张三"

    def test_a_second_press_folds(self, client: Client, here: str) -> None:
        client.post(here, {"person": ZHANG}, headers=CHANGE)
        assert "is on the list already" in client.post(here, {"person": ZHANG}, headers=CHANGE).text
        assert Invitee.objects.count() == 1

    def test_somebody_who_is_a_contact_is_recognised(
        self, client: Client, here: str, book: AddressBook
    ) -> None:
        contact = ContactFactory(book=book, union_id="sandbox-person-01", phone_number="+8613800138000")
        client.post(here, {"person": ZHANG}, headers=CHANGE)
        assert Invitee.objects.get().contact == contact

    def test_somebody_who_is_marked_is_left_out(self, client: Client, here: str, book: AddressBook) -> None:
        MarkedContactFactory(book=book, union_id="sandbox-person-01")
        answer = client.post(here, {"person": ZHANG}, headers=CHANGE)
        assert "left out" in answer.text
        assert not Invitee.objects.exists()

    def test_somebody_joins_a_book_as_well(
        self, client: Client, here: str, book: AddressBook, organizer: User
    ) -> None:
        answer = client.post(here, {"person": ZHANG, "book": book.pk}, headers=CHANGE)
        assert "is now in the address book “Mine”" in answer.text
        contact = Contact.objects.get(book=book)
        assert (contact.nick, contact.union_id, contact.phone_number) == (
            "张三",
            "sandbox-person-01",
            "+861000000001",
        )
        assert Invitee.objects.get().contact == contact
        assert BookChange.objects.get(book=book).user == organizer
        again = client.post(here, {"person": ZHANG, "book": book.pk}, headers=CHANGE)
        assert "is in the address book “Mine” already" in again.text
        assert Contact.objects.filter(book=book).count() == 1

    def test_a_book_of_somebody_else_is_refused(
        self, client: Client, here: str, conference: Conference
    ) -> None:
        other = AddressBookFactory(app=conference.app, sharing=Sharing.READ)
        answer = client.post(here, {"person": ZHANG, "book": other.pk}, headers=CHANGE)
        assert answer.status_code == 422
        assert "not yours to change" in answer.text
        assert not Contact.objects.exists()
        assert not Invitee.objects.exists()
        assert client.post(here, {"person": ZHANG, "book": other.pk}).status_code == 422

    def test_somebody_who_has_left_meanwhile_is_not_added(
        self, client: Client, here: str, sandbox: SandboxServer
    ) -> None:
        sandbox.company.remove(ZHANG)
        headers: dict[str, str]
        for headers in (CHANGE, {}):
            answer = client.post(here, {"person": ZHANG}, headers=headers)
            assert answer.status_code == 409
            assert "does not show this person any more" in answer.text
        assert not Invitee.objects.exists()

    def test_a_failure_is_put_into_words_and_adds_nobody(
        self, client: Client, here: str, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault(f"code:{PERMISSION}", operation="contact_batch", times=2)
        headers: dict[str, str]
        for headers in (CHANGE, {}):
            answer = client.post(here, {"person": ZHANG}, headers=headers)
            assert answer.status_code == 409
            assert "The app may not read the company directory" in answer.text
        assert not Invitee.objects.exists()

    def test_nobody_is_named(self, client: Client, here: str) -> None:
        assert client.post(here, {}, headers=CHANGE).status_code == 422


class TestRights:
    def test_only_who_may_invite_may_search(
        self,
        signed_in: SignedIn,
        here: str,
        auditor: User,
        other_organizer: User,
        sandbox: SandboxServer,
    ) -> None:
        for user, status in ((auditor, 403), (other_organizer, 404)):
            assert signed_in(user).get(here, {"q": "三"}).status_code == status
            assert signed_in(user).post(here, {"person": ZHANG}).status_code == status
        assert Client().get(here).status_code == 302
        assert asked(sandbox) == []

    def test_people_of_the_sandbox_stay_away_from_real_apps(
        self, client: Client, here: str, conference: Conference, sandbox: SandboxServer, book: AddressBook
    ) -> None:
        App.objects.filter(pk=conference.app.pk).update(kind=AppKind.FIXED_TOKEN, base_url=sandbox.base_url)
        app = App.objects.get(pk=conference.app.pk)
        app.access_token = "sandbox-fixed-token"
        app.save()
        client.post(here, {"person": ZHANG, "book": book.pk}, headers=CHANGE)
        assert not Invitee.objects.exists()
        assert not Contact.objects.exists()
