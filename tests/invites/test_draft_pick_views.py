"""Searching and picking in the composer."""

from http import HTTPStatus

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites.models import (
    AddressBook,
    BookShare,
    Conference,
    Contact,
    ContactGroup,
    Invitation,
    Invitee,
    User,
)
from invites.views.draft_pick import PEOPLE_SHOWN
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
)
from tests.invites.composer import CHANGE, SEARCH, UNION_ID, at, page_of, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    return InvitationFactory(conference=conference)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer, name="Colleagues")


class TestDraftSearch:
    @pytest.fixture
    def jane(self, book: AddressBook) -> Contact:
        contact: Contact = ContactFactory(book=book, nick="Jane Doe", union_id=UNION_ID)
        ContactGroupFactory(book=book, name="Janitors").contacts.add(contact)
        return contact

    def test_contacts_and_groups_are_options(
        self, browser: Client, conference: Conference, jane: Contact
    ) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "jan"}, headers=SEARCH)
        assertTemplateUsed(answer, "invites/_draft_suggestions.html")
        # The last one leads on to the company directory.
        assert answer.content.decode().count('role="option"') == 3
        assertContains(answer, f'name="contact" value="{jane.pk}"')
        assertNotContains(answer, "<html")

    def test_nothing_found_says_nothing(self, browser: Client, conference: Conference, jane: Contact) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "0000"}, headers=SEARCH)
        assertNotContains(answer, 'role="option"')

    def test_without_script_it_leads_to_the_page_of_address_books(
        self, browser: Client, conference: Conference
    ) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "a&b"})
        assertRedirects(answer, f"{at('draft_pick', conference)}?q=a%26b")

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, conference: Conference) -> None:
        for name in ("draft_search", "draft_pick", "draft_people"):
            assert signed_in(auditor).get(at(name, conference)).status_code == HTTPStatus.FORBIDDEN

    def test_queries_do_not_grow_with_what_is_found(
        self,
        browser: Client,
        conference: Conference,
        book: AddressBook,
        draft: Invitation,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(20, book=book, nick="Jane"):
            ContactGroupFactory(book=book, name=f"Jane {contact.pk}").contacts.add(contact)
        with django_assert_max_num_queries(15):
            browser.get(at("draft_search", conference), {"text": "jane"}, headers=SEARCH)


class TestFoundWhileTyping:
    @pytest.fixture
    def zhang(self, book: AddressBook) -> Contact:
        contact: Contact = ContactFactory(
            book=book, nick="张三", union_id="u-zhang", phone_number="+8613800138000"
        )
        return contact

    def search(self, browser: Client, conference: Conference, text: str) -> HttpResponse:
        return browser.get(at("draft_search", conference), {"text": text}, headers=SEARCH)  # type: ignore[return-value]

    @pytest.mark.parametrize("text", ["zs", "zhangsan", "张"])
    def test_name_is_marked_by_what_found_it(
        self, browser: Client, conference: Conference, zhang: Contact, text: str
    ) -> None:
        assertContains(self.search(browser, conference, text), "<mark>张")

    def test_number_shows_where_it_is_what_was_found(
        self, browser: Client, conference: Conference, zhang: Contact
    ) -> None:
        assertContains(self.search(browser, conference, "3800"), "138 001<mark>3 800</mark>0")
        assertNotContains(self.search(browser, conference, "zs"), "8000")

    def test_number_is_written_as_in_the_country_of_its_book(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        AddressBook.objects.update(default_country="GB")
        ContactFactory(book=book, nick="Jane", union_id="", phone_number="+442083661177")
        assertContains(self.search(browser, conference, "jane"), "020 8366 1177")
        assertContains(browser.get(at("draft_pick", conference)), "020 8366 1177")

    def test_it_says_who_is_not_known_and_who_has_left(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        ContactFactory(book=book, nick="Jane", refused_at=timezone.now(), refused_code="unknownUserError")
        ContactFactory(book=book, nick="Jane", left_directory_at=timezone.now())
        page = browser.get(at("draft_pick", conference))
        for answer in (self.search(browser, conference, "jane"), page):
            assertContains(answer, "Not known to DingTalk on")
            assertContains(answer, "Left the company directory")

    def test_markup_in_a_name_stays_text(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        ContactFactory(book=book, nick="<img src=x>")
        answer = self.search(browser, conference, "img")
        assertContains(answer, "&lt;<mark>img</mark> src=x&gt;")
        assertNotContains(answer, "<img")

    @pytest.mark.parametrize("may_write", [True, False])
    def test_book_that_is_shared_by_name_is_searched_until_the_share_is_lost(
        self, browser: Client, conference: Conference, organizer: User, may_write: bool
    ) -> None:
        book = AddressBookFactory(app=conference.app, name="Shared")
        ContactGroupFactory(book=book, name="Janitors").contacts.add(ContactFactory(book=book, nick="Jane"))
        share = BookShare.objects.create(book=book, user=organizer, may_write=may_write)
        answer = self.search(browser, conference, "jan")
        assertContains(answer, 'form="draft_pick" name="contact"', count=1)
        assertContains(answer, 'form="draft_pick" name="group"', count=1)
        assertContains(browser.get(at("draft_pick", conference)), "All of “Shared”")
        share.delete()
        assertNotContains(self.search(browser, conference, "jan"), 'form="draft_pick"')
        assertNotContains(browser.get(at("draft_pick", conference)), "Jan")


class TestDraftPick:
    @pytest.fixture
    def group(self, book: AddressBook) -> ContactGroup:
        group: ContactGroup = ContactGroupFactory(book=book, name="Sales")
        group.contacts.set(ContactFactory.create_batch(2, book=book))
        return group

    def test_page_lists_books_groups_and_contacts(
        self, browser: Client, conference: Conference, group: ContactGroup
    ) -> None:
        answer = browser.get(at("draft_pick", conference))
        assertTemplateUsed(answer, "invites/draft_pick.html")
        for text in ("All of “Colleagues”", "Sales", group.contacts.all()[0].nick):
            assertContains(answer, text)

    @pytest.mark.parametrize(
        ("target", "template"),
        [
            ("draft_picker", "invites/_draft_picker.html"),
            ("draft_picker_more", "invites/_draft_picker_people.html"),
            ("elsewhere", "invites/draft_pick.html"),
        ],
    )
    def test_panel_and_its_continuation_are_fragments(
        self, browser: Client, conference: Conference, group: ContactGroup, target: str, template: str
    ) -> None:
        answer = browser.get(at("draft_pick", conference), headers=htmx(target))
        assert answer.templates[0].name == template

    def test_search_narrows_it(self, browser: Client, conference: Conference, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Jane")
        ContactFactory(book=book, nick="Kim")
        answer = browser.get(at("draft_pick", conference), {"q": "jan"})
        assertContains(answer, "<mark>Jan</mark>e")
        assertNotContains(answer, "Kim")
        assertContains(browser.get(at("draft_pick", conference), {"q": "zz"}), "Nobody was found.")

    def test_many_contacts_come_in_pages(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        for number in range(PEOPLE_SHOWN + 1):
            ContactFactory(book=book, nick=f"Person {number:03}")
        first = browser.get(at("draft_pick", conference))
        assertContains(first, "Person 049")
        assertNotContains(first, "Person 050")
        assertContains(
            browser.get(at("draft_pick", conference), {"after": first.context["next_cursor"]}), "Person 050"
        )

    def test_many_found_come_in_pages_the_best_first(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        for number in range(PEOPLE_SHOWN):
            ContactFactory(book=book, nick=f"A Person {number:03}")
        ContactFactory(book=book, nick="Person")
        first = browser.get(at("draft_pick", conference), {"q": "person"})
        assert first.context["contacts"][0].nick == "Person"
        more = browser.get(
            at("draft_pick", conference), {"q": "person", "after": first.context["next_cursor"]}
        )
        assert [contact.nick for contact in more.context["contacts"]] == ["A Person 049"]
        assert not more.context["next_cursor"]

    def test_people_of_several_books_stand_in_one_order(
        self, browser: Client, conference: Conference, book: AddressBook, organizer: User
    ) -> None:
        other = AddressBookFactory(app=conference.app, owner=organizer)
        for number in range(PEOPLE_SHOWN + 10):
            ContactFactory(book=(book, other)[number % 2], nick=f"Person {number:03}")
        first = browser.get(at("draft_pick", conference))
        more = browser.get(at("draft_pick", conference), {"after": first.context["next_cursor"]})
        shown = [*first.context["contacts"], *more.context["contacts"]]
        assert [contact.nick for contact in shown] == [f"Person {n:03}" for n in range(PEOPLE_SHOWN + 10)]

    def test_without_a_book_it_says_what_belongs_there(self, browser: Client, conference: Conference) -> None:
        assertContains(browser.get(at("draft_pick", conference)), "You have no address book for this app yet")

    def test_ticked_contacts_a_group_or_a_book_are_added(
        self, browser: Client, conference: Conference, draft: Invitation, group: ContactGroup
    ) -> None:
        other = ContactFactory(book=group.book)
        last = ContactFactory(book=group.book)
        answer = browser.post(
            at("draft_pick", conference), {"contact": [other.pk], **seen(draft)}, headers=CHANGE
        )
        assertContains(answer, f"“{other.nick}” was added.")
        answer = browser.post(
            at("draft_pick", conference), {"group": group.pk, **seen(draft)}, headers=CHANGE
        )
        assertContains(answer, "2 people were added.")
        assertRedirects(
            browser.post(at("draft_pick", conference), {"book": group.book.pk}), page_of(conference)
        )
        assert draft.invitees.count() == 4
        assert draft.invitees.get(contact=last).times_added == 1

    def test_nothing_ticked_is_refused(self, browser: Client, conference: Conference) -> None:
        page = browser.post(at("draft_pick", conference))
        assertContains(page, "Tick at least one person.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        answer = browser.post(at("draft_pick", conference), headers=CHANGE)
        assertContains(answer, "Tick at least one person.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_contact_that_one_may_not_read_is_refused(self, browser: Client, conference: Conference) -> None:
        stranger = ContactFactory(book__app=conference.app)
        answer = browser.post(at("draft_pick", conference), {"contact": [stranger.pk]}, headers=CHANGE)
        assertContains(
            answer, "not in your address books any more", status_code=HTTPStatus.UNPROCESSABLE_ENTITY
        )
        assert not Invitee.objects.exists()

    def test_queries_do_not_grow_with_the_books(
        self,
        browser: Client,
        conference: Conference,
        book: AddressBook,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(20, book=book):
            ContactGroupFactory(book=book).contacts.add(contact)
        with django_assert_max_num_queries(9):
            browser.get(at("draft_pick", conference))
