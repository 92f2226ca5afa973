"""The pages on which an administrator answers somebody who asks what is held of them, and wants it gone."""

import json
import re
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites import disclosing, erasing
from invites.models import Contact, Erasure, Invitee, Person, User
from invites.models.invitee import InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import ContactFactory, MemberFactory
from tests.invites.held import NICK, NUMBER, UNION_ID, WAYS, hold

pytestmark = pytest.mark.django_db
PAGE = "/settings/personal-data/"
BECAUSE = "Asked for it by letter"
# How the form names both ways in which somebody is reached.
BOTH = [f"{channel}:{value}" for channel, value in WAYS]


@pytest.fixture
def browser(signed_in: SignedIn, administrator: User) -> Client:
    """The administrator's."""
    return signed_in(administrator)


@pytest.fixture
def address(organizer: User) -> str:
    """The page of somebody of whom something is held everywhere."""
    hold(organizer)
    (somebody,) = disclosing.find(UNION_ID, country="CN")
    return reverse("invites:personal_data_held", args=[somebody.token])


class TestPersonalData:
    def test_empty_page_says_what_will_stand_here(self, browser: Client) -> None:
        assertContains(browser.get(PAGE), "Nobody has been erased yet")

    @pytest.mark.usefixtures("address")
    def test_search_leads_to_what_is_held_by_an_address_that_tells_nobody_who_it_is(
        self, browser: Client
    ) -> None:
        page = browser.get(PAGE, {"who": NICK}, headers=htmx("found"))
        assertNotContains(page, "<html")
        (link,) = re.findall(r'href="(/settings/personal-data/[^"]+)"', page.content.decode())
        assert not any(text in unquote(link) for text in (UNION_ID, NUMBER[1:], NICK))
        assertContains(browser.get(link), NICK)

    def test_nobody_found_says_what_else_to_try(self, browser: Client) -> None:
        assertContains(browser.get(PAGE, {"who": "nobody"}), "Nobody was found")

    @pytest.mark.parametrize("who", ["x" * 129, "a\0b"])
    def test_what_cannot_be_looked_for_is_told_at_the_field(self, browser: Client, who: str) -> None:
        page = browser.get(PAGE, {"who": who})
        assert page.status_code == 422
        assertContains(page, "is-invalid", status_code=422)

    def test_number_of_queries_does_not_grow(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        book = ContactFactory(nick="Jane 1").book
        # Session, user; a unionId, people, contacts and members who are found; contacts twice, names twice; erasures;
        # the banner's two.
        with django_assert_num_queries(13):
            browser.get(PAGE, {"who": "Jane"})
        for number in range(20):
            ContactFactory(book=book, nick=f"Jane {number}", phone_number=f"+86138000000{number:02}")
        with django_assert_num_queries(13):
            browser.get(PAGE, {"who": "Jane"})

    def test_erasures_look_again_while_one_is_under_way(
        self, browser: Client, address: str, administrator: User
    ) -> None:
        browser.post(f"{address}erase/", {"ways": BOTH, "reason": BECAUSE})
        page = browser.get(PAGE, headers=htmx("erasures"))
        assertContains(page, "Being erased", 2)
        assertContains(page, "every 2s")
        Invitee.objects.on_record().filter(value=NUMBER).update(state=InviteeState.PENDING)
        assertContains(browser.get(PAGE), "Waits until an invitation to them is over", 1)
        Invitee.objects.on_record().update(state=InviteeState.FAILED)
        for erasure in Erasure.objects.all():
            erasing.carry_out(erasure.pk)
        page = browser.get(PAGE, headers=htmx("erasures"))
        assertContains(page, BECAUSE, 2)
        assertNotContains(page, "every 2s")


class TestHeld:
    def test_every_section_stands_there_with_how_much_there_is(self, browser: Client, address: str) -> None:
        page = browser.get(address)
        assert len(page.context["held"].sections) == 12
        assertContains(page, "Sent invitations")

    def test_page_of_the_person_leads_there(self, browser: Client, address: str, organizer: User) -> None:
        person = Person.objects.reached_by([UNION_ID]).get()
        page = browser.get(f"/history/people/{person.pk}/")
        (link,) = re.findall(r'href="(/settings/personal-data/[^"]+)"', page.content.decode())
        assertContains(browser.get(link), NICK)
        assertNotContains(browser.get("/history/people/" + str(person.pk) + "/"), "Erased")

    def test_nothing_held_any_more_says_so(self, browser: Client, address: str) -> None:
        for way in disclosing.find(UNION_ID, country="CN")[0].ways:
            erasing.erase(channel=way.channel, value=way.value, by=None, because=BECAUSE)  # type: ignore[arg-type]
        assertContains(browser.get(address), "Nothing is held of this person")

    def test_address_that_is_none_is_not_found(self, browser: Client) -> None:
        assert browser.get(f"{PAGE}x/").status_code == 404


class TestFile:
    def test_file_is_a_json_document_without_a_name_on_it(self, browser: Client, address: str) -> None:
        answer = browser.post(f"{address}file/")
        file = json.loads(answer.getvalue())
        assert file["held"]["contacts"][0]["phoneNumber"] == NUMBER
        assert answer["Content-Disposition"].startswith('attachment; filename="Personal data ')
        assertContains(browser.get("/history/changes/"), "took away as a file what is held of a person")

    def test_of_somebody_who_was_never_called_it_is_on_record_without_a_name(self, browser: Client) -> None:
        contact = ContactFactory(nick="Never Called")
        (somebody,) = disclosing.find(contact.union_id, country="CN")
        browser.post(reverse("invites:personal_data_file", args=[somebody.token])).getvalue()
        page = browser.get("/history/changes/")
        assertContains(page, "what is held of a person who was never called")

    def test_only_a_press_gives_it(self, browser: Client, address: str) -> None:
        assert browser.get(f"{address}file/").status_code == 405


class TestErase:
    def test_it_asks_once_naming_what_goes_and_what_stays(self, browser: Client, address: str) -> None:
        page = browser.get(f"{address}erase/")
        assertContains(page, "This will be lost")
        assertContains(page, "This stays on record without name")
        assert Contact.objects.exists()

    def test_pressed_it_is_on_record_and_a_second_press_changes_nothing(
        self, browser: Client, address: str, administrator: User
    ) -> None:
        for _press in range(2):
            answer = browser.post(f"{address}erase/", {"ways": BOTH, "reason": BECAUSE})
            assertRedirects(answer, PAGE)
        assert {(each.by, each.reason) for each in Erasure.objects.all()} == {(administrator, BECAUSE)}
        assert Erasure.objects.count() == 2

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"ways": BOTH[:1], "reason": " "}, "reason"),
            ({"ways": BOTH[:1], "reason": "x" * 201}, "reason"),
            ({"ways": BOTH[:1], "reason": "a\nb"}, "reason"),
            ({"ways": BOTH[:1], "reason": f"{NICK} asked"}, "reason"),
            ({"ways": BOTH[:1], "reason": "13987654321 asked"}, "reason"),
            ({"reason": BECAUSE}, "ways"),
            ({"ways": ["7"], "reason": BECAUSE}, "ways"),
        ],
    )
    def test_what_is_wrong_is_told_at_the_field_and_nobody_is_erased(
        self, browser: Client, address: str, fields: dict[str, object], field: str
    ) -> None:
        page = browser.post(f"{address}erase/", fields)
        assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
        assert not Erasure.objects.exists()

    def test_only_what_was_asked_about_is_erased_though_a_book_changed_meanwhile(
        self, browser: Client, address: str
    ) -> None:
        Contact.objects.update(phone_number="+8613700000001")
        page = browser.post(f"{address}erase/", {"ways": BOTH, "reason": BECAUSE})
        assertContains(page, "has changed meanwhile", status_code=422)
        assert not Erasure.objects.exists()

    def test_somebody_whom_a_conference_reported_without_a_name_can_be_erased(self, browser: Client) -> None:
        MemberFactory(union_id="nameless", nick="")
        (somebody,) = disclosing.find("nameless", country="CN")
        address = reverse("invites:personal_data_held", args=[somebody.token])
        assertContains(browser.get(address), "Without a name")
        answer = browser.post(f"{address}erase/", {"ways": ["union_id:nameless"], "reason": BECAUSE})
        assertRedirects(answer, PAGE)

    def test_somebody_who_is_being_called_is_not_erased(self, browser: Client, address: str) -> None:
        Invitee.objects.on_record().update(state=InviteeState.SENDING)
        answer = browser.post(f"{address}erase/", {"ways": BOTH, "reason": BECAUSE})
        assertContains(answer, "is under way", status_code=409)


class TestWhoMay:
    @pytest.mark.parametrize("visitor", ["organizer", "auditor", ""])
    def test_nobody_but_administrators_gets_in(
        self, signed_in: SignedIn, organizer: User, auditor: User, address: str, visitor: str
    ) -> None:
        users = {"organizer": organizer, "auditor": auditor}
        client = signed_in(users[visitor]) if visitor else Client()
        for answer in (
            client.get(PAGE),
            client.get(address),
            client.post(f"{address}file/"),
            client.post(f"{address}erase/", {"ways": BOTH[:1], "reason": BECAUSE}),
        ):
            assert answer.status_code == (403 if visitor else 302)
        assert not Erasure.objects.exists()
