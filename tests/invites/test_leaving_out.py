"""The composer leaves out whoever is marked "do not invite", says so, and lets a person decide otherwise."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from invites import composing, sending
from invites.composing import Change
from invites.errors import AlreadySent, DraftChanged
from invites.explaining import DO_NOT_INVITE
from invites.models import AddressBook, Conference, Contact, DraftLine, Invitation, Invitee, User
from invites.models.address_book import Sharing
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel, InviteeState
from invites.views.draft import CLEARED_WITHOUT_ASKING
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
    MarkedContactFactory,
    SentInvitationFactory,
    UserFactory,
)
from tests.invites.composer import CHANGE, SEARCH, at, fill, page_of, seen

pytestmark = pytest.mark.django_db

NUMBER = "+8613800138000"


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


@pytest.fixture
def organizer_client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    return composing.open_draft(conference=conference)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer)


@pytest.fixture
def kim(book: AddressBook) -> Contact:
    return MarkedContactFactory(book=book, nick="Kim", union_id="union-of-kim", phone_number=NUMBER)


@pytest.fixture
def lee(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Lee")


def typed(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    return composing.add_text(draft=draft, text="Kim\nLee", user=user)


def pasted_by_union_id(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    text = f"Kim, <{kim.union_id}>\nLee, <{lee.union_id}>"
    return composing.add_text(draft=draft, text=text, user=user)


def pasted_by_phone(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    text = f"Kim, {kim.phone_number}\nLee, <{lee.union_id}>"
    return composing.add_text(draft=draft, text=text, user=user)


def picked(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    return composing.add_contacts(draft=draft, contacts=[kim, lee], user=user)


def by_group(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    group = ContactGroupFactory(book=kim.book)
    group.contacts.add(kim, lee)
    return composing.add_group(draft=draft, group=group, user=user)


def by_book(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    return composing.add_book(draft=draft, book=kim.book, user=user)


def from_earlier(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    earlier = SentInvitationFactory(conference=draft.conference)
    for contact in (kim, lee):
        InviteeFactory(invitation=earlier, contact=contact, value=contact.union_id, nick=contact.nick)
    return composing.add_invitation(draft=draft, invitation=earlier, user=user)


def corrected(draft: Invitation, kim: Contact, lee: Contact, user: User) -> Change:
    composing.add_text(draft=draft, text=f"Lee, <{lee.union_id}>", user=user)
    (line,) = composing.add_text(draft=draft, text="???", user=user).lines
    return composing.correct_line(line=line, text=f"Kim, <{kim.union_id}>", user=user)


WAYS = [typed, pasted_by_union_id, pasted_by_phone, picked, by_group, by_book, from_earlier, corrected]


class TestLeftOut:
    @pytest.mark.parametrize("way", WAYS)
    def test_whoever_is_marked_stands_beside_the_list_and_not_on_it(
        self, way: Callable[..., Change], draft: Invitation, kim: Contact, lee: Contact, organizer: User
    ) -> None:
        change = way(draft, kim, lee, organizer)
        assert [person.nick for person in draft.invitees.all()] == ["Lee"]
        assert [one.mark for one in change.left_out] == [kim]
        line = draft.draft_lines.get()
        assert (line.problem, line.contact) == (LineProblem.DO_NOT_INVITE, kim)

    def test_marks_in_a_shared_book_of_somebody_else_count(self, draft: Invitation, organizer: User) -> None:
        shared = AddressBookFactory(app=draft.conference.app, sharing=Sharing.READ)
        MarkedContactFactory(book=shared, union_id="union-of-kim")
        change = composing.add_text(draft=draft, text="Kim, <union-of-kim>", user=organizer)
        assert (len(change.added), len(change.left_out)) == (0, 1)

    def test_private_marks_of_somebody_else_do_not_count(self, draft: Invitation, organizer: User) -> None:
        MarkedContactFactory(book=AddressBookFactory(app=draft.conference.app), union_id="union-of-kim")
        change = composing.add_text(draft=draft, text="Kim, <union-of-kim>", user=organizer)
        assert (len(change.added), len(change.left_out)) == (1, 0)

    def test_same_person_is_named_once_however_often_they_are_added(
        self, draft: Invitation, kim: Contact, lee: Contact, organizer: User
    ) -> None:
        for _time in range(2):
            picked(draft, kim, lee, organizer)
        assert draft.draft_lines.count() == 1

    def test_somebody_pasted_twice_is_left_out_once(
        self, draft: Invitation, kim: Contact, organizer: User
    ) -> None:
        change = composing.add_text(draft=draft, text="Kim\nKim", user=organizer)
        assert len(change.left_out) == 1

    def test_of_very_many_the_first_are_named_and_all_are_counted(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        for _n in range(composing.MOST_LEFT_OUT + 5):
            MarkedContactFactory(book=book)
        change = composing.add_book(draft=draft, book=book, user=organizer)
        assert len(change.left_out) == composing.MOST_LEFT_OUT + 5
        assert draft.draft_lines.count() == composing.MOST_LEFT_OUT

    def test_whoever_was_not_named_gets_a_line_when_added_by_name(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        contacts = [MarkedContactFactory(book=book) for _n in range(composing.MOST_LEFT_OUT + 1)]
        composing.add_book(draft=draft, book=book, user=organizer)
        named = set(draft.draft_lines.values_list("contact", flat=True))
        (last,) = [contact for contact in contacts if contact.pk not in named]
        composing.add_contacts(draft=draft, contacts=[last], user=organizer)
        assert draft.draft_lines.filter(contact=last).exists()

    def test_number_of_queries_is_the_same_for_one_and_for_five_hundred(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        counts = []
        for people in (1, 500):
            Contact.objects.bulk_create(
                Contact(
                    book=book,
                    nick=f"{n}",
                    union_id=f"of-{people}-{n}",
                    do_not_invite_since=timezone.now() if n % 2 else None,
                )
                for n in range(people + 1)
            )
            with CaptureQueriesContext(connection) as queries:
                composing.add_book(draft=draft, book=book, user=organizer)
            counts.append(len(queries))
        # The second time there are people and lines already: who they are is asked once each.
        assert counts[1] <= counts[0] + 3

    def test_lines_of_those_left_out_do_not_follow_when_the_list_is_sent(
        self, draft: Invitation, kim: Contact, lee: Contact, organizer: User
    ) -> None:
        picked(draft, kim, lee, organizer)
        composing.add_text(draft=draft, text="???", user=organizer)
        draft.refresh_from_db()
        sending.send(invitation=draft, revision=draft.revision, user=organizer)
        composing.carry_lines_over(sent=draft)
        following = composing.find_draft(draft.conference)
        assert following
        assert [line.text for line in following.draft_lines.all()] == ["???"]


class TestInviteAnyway:
    @pytest.fixture
    def line(self, draft: Invitation, kim: Contact, organizer: User) -> DraftLine:
        (line,) = composing.add_contacts(draft=draft, contacts=[kim], user=organizer).lines
        return line

    def test_person_comes_onto_the_list_and_it_is_on_record_who_decided(
        self, draft: Invitation, line: DraftLine, kim: Contact, organizer: User
    ) -> None:
        change = composing.invite_anyway(line=line, user=organizer)
        person = draft.invitees.get()
        assert (person.channel, person.value, person.nick, person.contact) == (
            Channel.UNION_ID,
            kim.union_id,
            "Kim",
            kim,
        )
        assert (person.overridden_by, person.overridden_reason) == (organizer, "On leave")
        assert change.overridden == person
        assert not draft.draft_lines.exists()

    def test_person_is_called_when_the_list_is_sent(
        self, draft: Invitation, line: DraftLine, organizer: User
    ) -> None:
        change = composing.invite_anyway(line=line, user=organizer)
        sending.send(invitation=draft, revision=change.draft.revision, user=organizer)
        assert draft.invitees.get().state == InviteeState.PENDING

    def test_mark_that_has_gone_meanwhile_needs_no_decision(
        self, draft: Invitation, line: DraftLine, organizer: User
    ) -> None:
        Contact.objects.update(do_not_invite_until=timezone.localdate() - timedelta(days=2))
        composing.invite_anyway(line=line, user=organizer)
        assert not draft.invitees.get().is_overridden

    def test_person_added_again_is_folded_and_stays_decided_upon(
        self, draft: Invitation, line: DraftLine, kim: Contact, organizer: User
    ) -> None:
        composing.invite_anyway(line=line, user=organizer)
        change = composing.add_contacts(draft=draft, contacts=[kim], user=organizer)
        assert (change.times_folded, list(change.left_out)) == (1, [])
        assert draft.invitees.get().overridden_by == organizer

    def test_second_press_finds_that_the_line_has_gone(self, line: DraftLine, organizer: User) -> None:
        composing.invite_anyway(line=DraftLine.objects.get(), user=organizer)
        with pytest.raises(DraftChanged):
            composing.invite_anyway(line=line, user=organizer)

    def test_list_that_was_sent_is_not_changed(
        self, draft: Invitation, line: DraftLine, lee: Contact, organizer: User
    ) -> None:
        change = composing.add_contacts(draft=draft, contacts=[lee], user=organizer)
        sending.send(invitation=draft, revision=change.draft.revision, user=organizer)
        with pytest.raises(AlreadySent):
            composing.invite_anyway(line=line, user=organizer)

    def test_somebody_who_turns_out_to_be_decided_upon_under_another_number_stays_so(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        by_phone = MarkedContactFactory(book=book, union_id="", phone_number=NUMBER)
        (line,) = composing.add_contacts(draft=draft, contacts=[by_phone], user=organizer).lines
        composing.invite_anyway(line=line, user=organizer)
        Contact.objects.update(do_not_invite_since=None, do_not_invite_reason="")
        both = ContactFactory(book=AddressBookFactory(app=book.app, owner=organizer), phone_number=NUMBER)
        composing.add_contacts(draft=draft, contacts=[both], user=organizer)
        assert draft.invitees.get().overridden_by == organizer


class TestPages:
    @pytest.fixture
    def line(self, draft: Invitation, kim: Contact, organizer: User) -> DraftLine:
        (line,) = composing.add_contacts(draft=draft, contacts=[kim], user=organizer).lines
        return line

    def test_page_names_who_is_left_out_and_why(
        self, organizer_client: Client, conference: Conference, line: DraftLine
    ) -> None:
        html = organizer_client.get(page_of(conference)).content.decode()
        assert "1 person is left out" in html
        assert "On leave" in html
        assert at("draft_invite_anyway", conference, line.pk) in html
        assert "needs a look" not in html

    def test_adding_says_who_is_left_out(
        self, organizer_client: Client, conference: Conference, draft: Invitation, kim: Contact, lee: Contact
    ) -> None:
        data = {"text": "Kim\nLee", **seen(draft)}
        html = organizer_client.post(at("draft_add", conference), data, headers=CHANGE).content.decode()
        assert "“Kim” is left out: marked “do not invite”." in html
        assert "“Lee” was added." in html

    def test_picking_says_how_many_of_very_many_are_left_out(
        self, organizer_client: Client, conference: Conference, draft: Invitation, book: AddressBook
    ) -> None:
        for _n in range(composing.MOST_LEFT_OUT + 1):
            MarkedContactFactory(book=book)
        data = {"book": book.pk, **seen(draft)}
        html = organizer_client.post(at("draft_pick", conference), data, headers=CHANGE).content.decode()
        assert "21 people are left out" in html
        assert "can be added by name" in html

    def test_invite_anyway_answers_with_the_row_and_a_sentence(
        self, organizer_client: Client, conference: Conference, draft: Invitation, line: DraftLine
    ) -> None:
        url = at("draft_invite_anyway", conference, line.pk)
        html = organizer_client.post(url, seen(draft), headers=CHANGE).content.decode()
        assert "It is on record that you decided so." in html
        assert f'id="invitee-{draft.invitees.get().pk}"' in html
        assert "is left out" not in html

    def test_invite_anyway_works_without_script(
        self, organizer_client: Client, conference: Conference, line: DraftLine
    ) -> None:
        response = organizer_client.post(at("draft_invite_anyway", conference, line.pk), follow=True)
        assert "In spite of “do not invite”" in response.content.decode()

    def test_all_who_are_left_out_can_be_put_out_of_sight_at_once(
        self, organizer_client: Client, conference: Conference, draft: Invitation, line: DraftLine
    ) -> None:
        DraftLine.objects.create(invitation=draft, text="???", problem=LineProblem.NOTHING_USABLE)
        url = at("draft_line_remove", conference)
        answer = organizer_client.post(url, {"left_out": "all", **seen(draft)}, headers=CHANGE)
        assert "The line was removed." in answer.content.decode()
        assert [line.text for line in draft.draft_lines.all()] == ["???"]

    def test_clearing_a_long_list_does_not_ask_about_lines_where_people_are_only_left_out(
        self, organizer_client: Client, conference: Conference, draft: Invitation, line: DraftLine
    ) -> None:
        fill(draft, CLEARED_WITHOUT_ASKING + 1)
        question = organizer_client.post(at("draft_clear", conference), seen(draft), headers=CHANGE)
        assert "off the list?" in question.content.decode()
        assert "lines that need a look" not in question.content.decode()

    def test_all_lines_that_need_a_look_are_removed_at_once_and_it_says_how_many(
        self, organizer_client: Client, conference: Conference, draft: Invitation, line: DraftLine
    ) -> None:
        DraftLine.objects.bulk_create(
            DraftLine(invitation=draft, text=text, problem=LineProblem.NOTHING_USABLE) for text in "?!"
        )
        answer = organizer_client.post(at("draft_line_remove", conference), seen(draft), headers=CHANGE)
        assert "2 lines were removed." in answer.content.decode()
        assert draft.draft_lines.get() == line

    def test_whoever_is_marked_after_being_added_shows_it_and_can_be_kept(
        self,
        organizer_client: Client,
        conference: Conference,
        draft: Invitation,
        lee: Contact,
        organizer: User,
    ) -> None:
        composing.add_contacts(draft=draft, contacts=[lee], user=organizer)
        Contact.objects.update(do_not_invite_since=timezone.now(), do_not_invite_reason="On leave")
        person = draft.invitees.get()
        url = at("draft_keep_anyway", conference, person.pk)
        html = organizer_client.get(page_of(conference)).content.decode()
        assert "is left out when this is sent" in html
        assert url in html
        html = organizer_client.post(url, seen(draft), headers=CHANGE).content.decode()
        assert "In spite of “do not invite”" in html
        person.refresh_from_db()
        assert (person.overridden_by, person.overridden_reason) == (organizer, "On leave")

    def test_row_that_is_put_in_the_place_of_another_still_shows_the_mark(
        self,
        organizer_client: Client,
        conference: Conference,
        draft: Invitation,
        lee: Contact,
        organizer: User,
    ) -> None:
        composing.add_contacts(draft=draft, contacts=[lee], user=organizer)
        Contact.objects.update(do_not_invite_since=timezone.now())
        person = draft.invitees.get()
        row = at("draft_invitee", conference, person.pk)
        in_row = htmx(f"invitee-{person.pk}")
        cancelled = organizer_client.get(f"{row}?cancelled", headers=in_row)
        renamed = organizer_client.post(row, {"nick": "Lee Lee", **seen(draft)}, headers=CHANGE)
        again = {"contact": lee.pk, **seen(draft)}
        named_again = organizer_client.post(at("draft_pick", conference), again, headers=CHANGE)
        for answer in (cancelled, renamed, named_again):
            html = answer.content.decode()
            assert 'id="draft_list"' not in html
            assert "is left out when this is sent" in html
            assert at("draft_keep_anyway", conference, person.pk) in html

    def test_suggestion_shows_the_mark(
        self, organizer_client: Client, conference: Conference, kim: Contact, lee: Contact
    ) -> None:
        html = organizer_client.get(at("draft_search", conference), {"text": "Kim"}, headers=SEARCH)
        assert "Do not invite" in html.content.decode()
        html = organizer_client.get(at("draft_search", conference), {"text": "Lee"}, headers=SEARCH)
        assert "Do not invite" not in html.content.decode()

    def test_picker_shows_the_mark_and_how_many_of_a_group_are_invited(
        self, organizer_client: Client, conference: Conference, kim: Contact, lee: Contact
    ) -> None:
        group = ContactGroupFactory(book=kim.book, name="Sales")
        group.contacts.add(kim, lee)
        html = organizer_client.get(at("draft_pick", conference)).content.decode()
        assert html.count("Do not invite") == 1
        assert "1 not to be invited" in html

    @pytest.mark.parametrize("name", ["draft_invite_anyway", "draft_keep_anyway"])
    def test_nobody_else_may_decide(
        self, client: Client, conference: Conference, draft: Invitation, line: DraftLine, name: str
    ) -> None:
        person: Invitee = InviteeFactory(invitation=draft)
        url = at(name, conference, line.pk if name == "draft_invite_anyway" else person.pk)
        assert client.post(url).status_code == 302
        client.force_login(UserFactory())
        assert client.post(url).status_code == 404
        assert not Invitee.objects.filter(overridden_by__isnull=False).exists()

    def test_line_that_only_needs_a_look_is_not_somebody_to_decide_upon(
        self, organizer_client: Client, conference: Conference, draft: Invitation
    ) -> None:
        line = DraftLine.objects.create(invitation=draft, text="???", problem=LineProblem.NOTHING_USABLE)
        response = organizer_client.post(at("draft_invite_anyway", conference, line.pk), headers=CHANGE)
        assert response.status_code == 409
        assert draft.draft_lines.exists()


class TestHistory:
    def test_invitation_and_attempt_say_who_decided_and_against_which_reason(
        self, organizer_client: Client, conference: Conference, organizer: User
    ) -> None:
        invitation = SentInvitationFactory(conference=conference)
        person = InviteeFactory(
            invitation=invitation,
            state=InviteeState.INVITED,
            overridden_by=UserFactory(username="boss"),
            overridden_reason="On leave",
        )
        attempt = AttemptFactory(invitation=invitation, sent_to=[person])
        for url in (
            reverse("invites:invitation_detail", args=[invitation.pk]),
            reverse("invites:attempt_detail", args=[attempt.pk]),
        ):
            html = organizer_client.get(url).content.decode()
            assert "Invited in spite of “do not invite”, as boss decided" in html
            assert "On leave" in html

    def test_command_line_has_no_name(self, organizer_client: Client, conference: Conference) -> None:
        person = InviteeFactory(
            invitation=SentInvitationFactory(conference=conference), overridden_reason="On leave"
        )
        url = reverse("invites:invitation_detail", args=[person.invitation_id])
        assert "as the command line was told to" in organizer_client.get(url).content.decode()

    def test_number_of_queries_is_the_same_for_one_and_for_fifty(
        self, organizer_client: Client, conference: Conference
    ) -> None:
        counts = []
        for people in (1, 50):
            invitation = SentInvitationFactory(conference=conference)
            for position in range(people):
                InviteeFactory(
                    invitation=invitation,
                    position=position,
                    overridden_by=UserFactory(),
                    overridden_reason="x",
                )
            url = reverse("invites:invitation_detail", args=[invitation.pk])
            organizer_client.get(url)
            with CaptureQueriesContext(connection) as queries:
                organizer_client.get(url)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_whoever_was_left_out_shows_why(self, organizer_client: Client, conference: Conference) -> None:
        person = InviteeFactory(
            invitation=SentInvitationFactory(conference=conference),
            state=InviteeState.SKIPPED,
            skipped_because=DO_NOT_INVITE,
        )
        url = reverse("invites:invitation_detail", args=[person.invitation_id])
        assert "marked “do not invite” in an address book" in organizer_client.get(url).content.decode()

    def test_code_is_explained_in_the_list_of_codes(self, organizer_client: Client) -> None:
        assert DO_NOT_INVITE in organizer_client.get(reverse("invites:code_list")).content.decode()
