"""The pages of a book that follows the directory: choosing the part, the schedule, reading now, letting it go."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import linking
from invites.dingtalk.sandbox import SandboxServer
from invites.models import AddressBook, App, BookChange, Contact, ContactImport, DirectoryLink, User
from invites.models.address_book import Sharing
from invites.models.contact_import import ImportState
from invites.models.directory_link import DirectoryPart
from tests.conftest import SignedIn
from tests.factories import AddressBookFactory
from tests.invites.test_linking import followed, work

PAGES = ("link_detail", "link_choose", "link_schedule", "link_refresh", "link_delete")
ENGINEERING = {"part": "department", "remote_id": "20", "name": "Engineering 研发"}


@pytest.fixture
def book(sandbox_app: App, organizer: User) -> AddressBook:
    return AddressBookFactory(app=sandbox_app, owner=organizer, name="Followers")


@pytest.fixture
def client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


def at(name: str, book: AddressBook) -> str:
    return reverse(f"invites:{name}", args=[book.pk])


def import_page(book: AddressBook) -> str:
    newest = ContactImport.objects.of_book(book).latest("pk")
    return reverse("invites:import_detail", args=[newest.pk])


class TestLinkChoose:
    def test_the_tree_is_shown_level_by_level(self, client: Client, book: AddressBook) -> None:
        top = client.get(at("link_choose", book))
        assert "Sandbox Ltd 沙箱公司" in top.text
        assert "?department=20" in top.text
        assert "One level up" not in top.text
        below = client.get(at("link_choose", book), {"department": "20"})
        assert "Platform 平台" in below.text
        assert "?department=1" in below.text

    def test_departments_are_found_by_a_part_of_their_name(self, client: Client, book: AddressBook) -> None:
        answer = client.get(at("link_choose", book), {"q": "sales"})
        assert "Sales abroad 海外销售" in answer.text
        assert "Platform 平台" not in answer.text
        assert "No department" in client.get(at("link_choose", book), {"q": "Moon"}).text

    def test_user_groups_are_shown(self, client: Client, book: AddressBook) -> None:
        answer = client.get(at("link_choose", book), {"groups": "on"})
        assert "First aiders 急救员" in answer.text
        assert 'value="sandbox-group-1"' in answer.text

    @pytest.mark.parametrize("query", [{"department": "x"}, {"department": "0"}, {"offset": "-1"}])
    def test_what_is_unusable_in_a_link_counts_as_absent(
        self, client: Client, book: AddressBook, query: dict[str, str]
    ) -> None:
        assert "Sandbox Ltd" in client.get(at("link_choose", book), query).text

    def test_a_department_that_is_not_there_is_put_into_words(
        self, client: Client, book: AddressBook
    ) -> None:
        answer = client.get(at("link_choose", book), {"department": "999"})
        assert "no longer in the directory" in answer.text
        assert "Try again" in answer.text

    @pytest.mark.parametrize("fault", ["code:60011", "html_502", "drop"])
    @pytest.mark.parametrize("query", [{}, {"groups": "on"}, {"q": "sales"}])
    def test_a_failure_is_put_into_words_with_a_way_to_try_again(
        self, client: Client, book: AddressBook, sandbox: SandboxServer, fault: str, query: dict[str, str]
    ) -> None:
        sandbox.add_fault(fault, operation="any")
        assert "Try again" in client.get(at("link_choose", book), query).text
        assert "Try again" not in client.get(at("link_choose", book), query).text

    def test_a_press_follows_the_part_and_leads_to_its_reading(
        self, client: Client, book: AddressBook, organizer: User
    ) -> None:
        answer = client.post(at("link_choose", book), ENGINEERING)
        link = DirectoryLink.objects.get()
        assert (link.book, link.part, link.remote_id, link.name, link.linked_by) == (
            book,
            DirectoryPart.DEPARTMENT,
            "20",
            "Engineering 研发",
            organizer,
        )
        assert answer.headers["location"] == import_page(book)
        begun = ContactImport.objects.get()
        assert begun.state == ImportState.READING
        assert not Contact.objects.exists()
        assert client.get(import_page(book)).status_code == 200
        work(begun)
        page = client.get(import_page(book)).text
        assert "Apply 8 changes" in page
        assert "何测试" in page

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"part": "planet"},
            {"remote_id": "x"},
            {"remote_id": ""},
            {"remote_id": "9" * 30},
            {"name": ""},
        ],
    )
    def test_what_is_no_part_is_refused(
        self, client: Client, book: AddressBook, wrong: dict[str, str]
    ) -> None:
        answer = client.post(at("link_choose", book), ENGINEERING | wrong if wrong else {})
        assert answer.status_code == 422
        assert not DirectoryLink.objects.exists()


class TestLinkDetail:
    def test_a_book_that_follows_nothing_leads_to_the_choice(self, client: Client, book: AddressBook) -> None:
        assert client.get(at("link_detail", book)).headers["location"] == at("link_choose", book)

    def test_it_says_what_is_followed_and_what_waits(
        self, client: Client, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        page = client.get(at("link_detail", book)).text
        assert "Follows “Part”" in page
        assert "to be looked at" not in page
        sandbox.company.remove("staff-person-13")
        work(linking.refresh(book=book, user=book.owner))
        assert "1 change waits to be looked at" in client.get(at("link_detail", book)).text
        assert "1 change waits to be looked at" in client.get(at("book_detail", book)).text

    def test_a_problem_is_put_into_words(
        self, client: Client, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        sandbox.add_fault("code:60011", operation="department_people")
        read = work(linking.refresh(book=book, user=book.owner))
        for page in (at("link_detail", book), reverse("invites:import_detail", args=[read.pk])):
            assert "The app may not read the company directory" in client.get(page).text
        assert "It could not be read" in client.get(at("book_detail", book)).text

    @pytest.mark.parametrize("follows", [True, False])
    def test_the_book_offers_it(self, client: Client, book: AddressBook, follows: bool) -> None:
        if follows:
            followed(book)
        page = client.get(at("book_detail", book)).text
        assert ("Follows “Part”" in page) is follows
        assert (at("link_choose", book) in page) is not follows

    def test_a_reader_of_the_book_sees_it_and_cannot_change_it(
        self, book: AddressBook, signed_in: SignedIn, other_organizer: User
    ) -> None:
        followed(book)
        AddressBook.objects.filter(pk=book.pk).update(sharing=Sharing.READ)
        page = signed_in(other_organizer).get(at("book_detail", book)).text
        assert "Follows “Part”" in page
        assert at("link_detail", book) not in page

    @pytest.mark.parametrize("readings", [1, 5])
    def test_it_takes_the_same_number_of_queries_after_many_readings(
        self,
        client: Client,
        book: AddressBook,
        readings: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        followed(book)
        for _ in range(readings):
            linking.refresh(book=book, user=book.owner)
        with django_assert_max_num_queries(8):
            client.get(at("link_detail", book))


class TestLinkRefresh:
    def test_it_leads_to_the_reading_and_a_second_press_to_the_same(
        self, client: Client, book: AddressBook
    ) -> None:
        followed(book)
        first = client.post(at("link_refresh", book))
        assert first.headers["location"] == import_page(book)
        second = client.post(at("link_refresh", book))
        assert second.headers["location"] == first.headers["location"]

    def test_a_book_that_follows_nothing_says_so(self, client: Client, book: AddressBook) -> None:
        answer = client.post(at("link_refresh", book))
        assert answer.status_code == 409
        assert "does not follow" in answer.text


class TestReading:
    def test_who_confirms_what_was_read_by_itself_is_on_record(
        self, client: Client, book: AddressBook, organizer: User, sandbox: SandboxServer
    ) -> None:
        followed(book)
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=False, user=book.owner)
        DirectoryLink.objects.update(next_read_at=timezone.now())
        sandbox.company.remove("staff-person-13")
        linking.refresh_due()
        read = work(ContactImport.objects.latest("pk"))
        assert read.created_by is None
        assert "Has left the directory" in client.get(import_page(book)).text
        client.post(reverse("invites:import_confirm", args=[read.pk]))
        done = ContactImport.objects.get(pk=read.pk)
        assert (done.state, done.created_by) == (ImportState.DONE, organizer)
        assert BookChange.objects.latest("pk").user == organizer

    def test_what_was_applied_can_be_undone_as_a_whole(
        self, client: Client, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        sandbox.company.remove("staff-person-13")
        sandbox.company.rename("staff-person-14", "郭新名")
        sandbox.company.add(name="新同事", department_id=22, user_id="staff-new", phone_number=None)
        read = work(linking.refresh(book=book, user=book.owner))
        client.post(reverse("invites:import_confirm", args=[read.pk]))
        assert Contact.objects.filter(nick__in=["郭新名", "新同事"]).count() == 2
        client.post(reverse("invites:import_undo", args=[read.pk]))
        assert not Contact.objects.filter(nick__in=["郭新名", "新同事"]).exists()
        assert not Contact.objects.left_directory().exists()
        assert Contact.objects.filter(book=book).count() == 8


class TestLinkSchedule:
    def test_it_is_kept(self, client: Client, book: AddressBook) -> None:
        followed(book)
        client.post(at("link_schedule", book), {"every_hours": "168", "applies_by_itself": "on"})
        link = DirectoryLink.objects.get()
        assert (link.every_hours, link.applies_by_itself) == (168, True)
        assert link.next_read_at is not None
        assert link.next_read_at > timezone.now()
        assert "By itself next" in client.get(at("link_detail", book)).text

    @pytest.mark.parametrize("wrong", [{}, {"every_hours": "1"}, {"every_hours": "x"}])
    def test_what_is_no_schedule_is_refused_at_its_field(
        self, client: Client, book: AddressBook, wrong: dict[str, str]
    ) -> None:
        followed(book)
        answer = client.post(at("link_schedule", book), wrong | {"applies_by_itself": "on"})
        assert answer.status_code == 422
        assert "is-invalid" in answer.text or "invalid-feedback" in answer.text
        assert "checked" in answer.text
        assert DirectoryLink.objects.get().every_hours == 0


class TestLinkDelete:
    def test_it_asks_once_and_keeps_everybody(self, client: Client, book: AddressBook) -> None:
        followed(book)
        assert "Stop following “Part”?" in client.get(at("link_delete", book)).text
        assert DirectoryLink.objects.exists()
        answer = client.post(at("link_delete", book))
        assert answer.headers["location"] == at("book_detail", book)
        assert not DirectoryLink.objects.exists()
        assert Contact.objects.filter(book=book).count() == 8
        told = client.get(at("change_list", book)).text
        assert "Company directory" in told


class TestRights:
    @pytest.mark.parametrize("page", PAGES)
    def test_only_who_may_change_the_book(
        self, signed_in: SignedIn, book: AddressBook, auditor: User, other_organizer: User, page: str
    ) -> None:
        followed(book)
        AddressBook.objects.filter(pk=book.pk).update(sharing=Sharing.READ)
        for user, status in ((auditor, 403), (other_organizer, 404)):
            browser = signed_in(user)
            assert browser.post(at(page, book), ENGINEERING).status_code in {status, 405}
            assert browser.get(at(page, book)).status_code in {status, 405}
        assert Client().post(at(page, book)).status_code == 302
        assert DirectoryLink.objects.get().name == "Part"
        assert ContactImport.objects.count() == 1
