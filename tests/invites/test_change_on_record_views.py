"""The changes on record, as auditors and administrators read them."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import acting, curating
from invites.inspecting import NOBODY
from invites.models import AddressBook, App, AuditEntry, Contact, HistoryExport, User
from invites.models.user import Role
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    ConferenceFactory,
    ContactFactory,
    UserFactory,
)
from tests.keeping import tampering

LIST = "/history/changes/"
Action = AuditEntry.Action


def on_record(about: App, *, name: str = "Sales", by: User | None = None, **facts: Any) -> AuditEntry:
    """An entry about ``about`` that a test makes by hand, since entries cannot be changed."""
    entry: AuditEntry = AuditEntry.objects.log_create(
        about,
        force_log=True,
        **{"object_repr": name, "actor": by, "action": Action.UPDATE, "changes": {"batch_size": [100, 50]}}
        | facts,
    )
    return entry


def shown(client: Client, query: str = "") -> list[int]:
    """The entries in the list at an address, in their order."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == HTTPStatus.OK
    return [told.entry.pk for told in response.context["entries"]]


@pytest.fixture
def reader(auditor: User, signed_in: SignedIn) -> Client:
    return signed_in(auditor)


@pytest.fixture
def app(db: None) -> App:
    return AppFactory(name="Sales")


class TestEntryList:
    def test_newest_change_stands_first(self, reader: Client, app: App) -> None:
        first, second = on_record(app), on_record(app)
        assert shown(reader, "kind=app&action=1") == [second.pk, first.pk]

    def test_row_tells_who_changed_what_from_what_to_what(
        self, reader: Client, app: App, administrator: User, organizer: User
    ) -> None:
        with acting.in_the_name_of(lambda: administrator):
            organizer.role = Role.AUDITOR
            organizer.save()
            app.access_token = "another-token"
            app.quiet_from = app.quiet_until = timezone.now().time()
            app.save()
        page = reader.get(LIST).content.decode()
        assert "administrator changed the user “organizer”." in page
        assert "<del><bdi>Organizer</bdi></del>" in page
        assert "<ins><bdi>Auditor</bdi></ins>" in page
        assert "administrator changed the DingTalk app “Sales”." in page
        assert "Fixed token:" in page
        assert "changed, not shown" in page
        assert "another-token" not in page

    def test_row_is_told_in_chinese_as_well(self, reader: Client, app: App, administrator: User) -> None:
        on_record(app, by=administrator)
        page = reader.get(LIST, headers={"accept-language": "zh-hans"}).content.decode()
        assert "administrator修改了应用“Sales”。" in page

    def test_change_of_many_is_told_as_the_book_tells_it(
        self, reader: Client, organizer: User, book: AddressBook
    ) -> None:
        ContactFactory.create_batch(3, book=book)
        curating.mark_contacts(
            book=book, contacts=Contact.objects.of_book(book), reason="On leave", until=None, user=organizer
        )
        page = reader.get(LIST).content.decode()
        assert "organizer, in the address book “Team”: 3 people were marked “do not invite”: On leave" in page

    def test_sign_ins_are_told(self, reader: Client, client: Client, organizer: User) -> None:
        client.post("/sign-in/", {"login": "organizer", "password": "wrong"})
        page = reader.get(f"{LIST}?action=3").content.decode()
        assert "auditor signed in." in page
        assert "Somebody could not sign in as organizer: the password was wrong." in page

    def test_number_is_masked_for_those_who_may_not_see_it(
        self, auditor: User, reader: Client, organizer: User, book: AddressBook
    ) -> None:
        contact = Contact(book=book, nick="Zhang", phone_number="+8613812345678")
        curating.save_contact(contact=contact, user=organizer)
        assert "12345678" not in reader.get(LIST).content.decode().replace(" ", "")
        User.objects.filter(pk=auditor.pk).update(may_see_phone_numbers=True)
        assert "13812345678" in reader.get(LIST).content.decode().replace(" ", "")

    def test_number_that_was_looked_for_is_not_shown_to_everybody(
        self, reader: Client, administrator: User
    ) -> None:
        HistoryExport.objects.create(
            user=administrator, file_format="csv", query="person=13812345678&code=busy", time_zone="UTC"
        )
        page = reader.get(LIST).content.decode()
        assert "person=•••5678 · code=busy" in page
        assert "13812345678" not in page

    def test_empty_list_says_what_belongs_there(self, reader: Client) -> None:
        # Whoever looks has signed in, which is on record.
        with tampering():
            AuditEntry.objects.all().delete()
        assert "Nothing has been changed yet" in reader.get(LIST).content.decode()

    def test_fragment_is_the_list_alone(self, reader: Client, app: App) -> None:
        page = reader.get(LIST, headers=htmx("entries"))
        assert page.content.decode().lstrip().startswith('<div id="entries"')
        assert page["HX-Replace-Url"] == LIST

    def test_unknown_target_gets_the_whole_page(self, reader: Client) -> None:
        assert "<html" in reader.get(LIST, headers=htmx("elsewhere")).content.decode()

    @pytest.mark.parametrize("count", [1, 40])
    def test_number_of_queries_does_not_grow_with_rows(
        self, count: int, reader: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        user = UserFactory()
        app = AppFactory()
        for _row in range(count):
            ConferenceFactory(app=app, owner=user)
        # Session, user, whom to choose from, places, entries, the users and the apps that they name, the banner's two.
        with django_assert_num_queries(9):
            reader.get(f"{LIST}?kind=conference")


class TestFilters:
    def test_each_narrows_and_all_combine(
        self, reader: Client, app: App, administrator: User, organizer: User
    ) -> None:
        wanted = on_record(app, by=administrator, cid="request-1")
        on_record(app, by=organizer, cid="request-2")
        on_record(app, by=administrator, name="Support")
        on_record(app, by=administrator, action=Action.DELETE)
        on_record(app, by=administrator, timestamp=timezone.now() - timedelta(days=3))
        queries = {
            "person": "person=sale",
            "organizer": f"organizer={administrator.pk}",
            "kind": "kind=app",
            "action": "action=1",
            "period": "period=today",
            "request": "request=request-1",
        }
        for query in queries.values():
            assert wanted.pk in shown(reader, query)
        without_request = [query for name, query in queries.items() if name != "request"]
        assert shown(reader, "&".join(without_request)) == [wanted.pk]
        assert shown(reader, queries["request"]) == [wanted.pk]

    def test_what_nobody_did_can_be_asked_for(self, reader: Client, app: App, administrator: User) -> None:
        by_itself = on_record(app)
        on_record(app, by=administrator)
        assert shown(reader, f"organizer={NOBODY}&kind=app&action=1") == [by_itself.pk]

    def test_one_thing_has_all_of_its_changes(self, reader: Client, app: App) -> None:
        entry = on_record(app)
        on_record(AppFactory())
        assert shown(reader, f"kind=app&key={app.pk}&action=1") == [entry.pk]

    def test_exact_time_is_meant_in_the_zone_of_the_viewer(self, reader: Client, app: App) -> None:
        entry = on_record(app, timestamp=datetime.fromisoformat("2026-03-01T09:30:30+00:00"))
        reader.cookies["timezone"] = "America/New_York"
        assert shown(reader, "since=2026-03-01T04:30&until=2026-03-01T04:30") == [entry.pk]
        assert shown(reader, "since=2026-03-01T04:31&until=2026-03-01T05:00") == []

    @pytest.mark.parametrize(
        "query",
        ["organizer=nobody", "kind=nothing", "action=9", "since=soon", "before=-1", "key=1", "period=ever"],
    )
    def test_wrong_value_is_told_and_nothing_is_lost(self, query: str, reader: Client) -> None:
        response = reader.get(f"{LIST}?{query}&person=Zhang")
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert 'value="Zhang"' in response.content.decode()

    def test_end_before_beginning_is_told_at_its_field(self, reader: Client) -> None:
        response = reader.get(f"{LIST}?since=2026-03-02T00:00&until=2026-03-01T00:00")
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors["until"] == ["This is before the beginning."]

    def test_filters_go_along_to_the_calls(self, reader: Client, organizer: User) -> None:
        query = f"period=today&organizer={organizer.pk}&person=Zhang"
        page = reader.get(f"{LIST}?{query}&kind=contact").content.decode()
        assert f'href="/history/?{query}"'.replace("&", "&amp;") in page

    def test_fragment_brings_the_way_to_the_calls_along(self, reader: Client) -> None:
        page = reader.get(f"{LIST}?person=Zhang&kind=contact", headers=htmx("entries")).content.decode()
        assert 'href="/history/?person=Zhang"' in page
        assert f'href="{LIST}export/?kind=contact&amp;person=Zhang"' in page
        assert page.count("hx-swap-oob") == len(("to the calls", "to the file"))
        assert "hx-swap-oob" not in reader.get(f"{LIST}?person=Zhang").content.decode()

    def test_who_is_chosen_stays_chosen_though_others_are_offered(
        self, reader: Client, organizer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.forms.change_on_record._OFFERED", 0)
        page = reader.get(f"{LIST}?organizer={organizer.pk}").content.decode()
        assert f'<option value="{organizer.pk}" selected>organizer</option>' in page
        assert f'<option value="{NOBODY}" selected>' in reader.get(f"{LIST}?organizer=0").content.decode()

    def test_nothing_that_fits_offers_the_way_back(self, reader: Client) -> None:
        page = reader.get(f"{LIST}?person=nowhere").content.decode()
        assert "Nothing fits these filters" in page


class TestPages:
    def test_walking_older_and_newer_meets_each_entry_once(self, reader: Client, app: App) -> None:
        moment = timezone.now()
        entries = [on_record(app, timestamp=moment - timedelta(seconds=number // 3)) for number in range(120)]
        order = [e.pk for e in sorted(entries, key=lambda e: (e.timestamp, e.pk), reverse=True)]
        first = reader.get(f"{LIST}?kind=app&action=1")
        second = reader.get(first.context["older"])
        third = reader.get(second.context["older"])
        pages = [[told.entry.pk for told in page.context["entries"]] for page in (first, second, third)]
        assert [pk for page in pages for pk in page] == order
        assert third.context["older"] is None
        back = reader.get(third.context["newer"])
        assert [told.entry.pk for told in back.context["entries"]] == pages[1]
        assert first.context["newer"] is None

    def test_rows_that_arrive_meanwhile_move_nothing(self, reader: Client, app: App) -> None:
        for _number in range(60):
            on_record(app)
        first = reader.get(f"{LIST}?kind=app&action=1")
        before = shown(reader, first.context["older"].partition("?")[2])
        on_record(app)
        assert shown(reader, first.context["older"].partition("?")[2]) == before

    def test_search_that_is_not_over_says_how_far_it_has_looked(
        self, reader: Client, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.inspecting._FIRST", 5)
        monkeypatch.setattr("invites.inspecting._MOST", 10)
        rare = on_record(app, action=Action.DELETE)
        for _number in range(30):
            on_record(app)
        response = reader.get(f"{LIST}?kind=app&action=2")
        assert "Search further" in response.content.decode()
        pages = 0
        while not response.context["entries"]:
            response, pages = reader.get(response.context["older"]), pages + 1
        assert [told.entry.pk for told in response.context["entries"]] == [rare.pk]
        assert pages > 1


class TestEntryDetail:
    def test_each_field_stands_before_and_after(self, reader: Client, app: App, organizer: User) -> None:
        book = AddressBookFactory(app=app, owner=organizer, name="Team")
        entry = AuditEntry.objects.get_for_object(book).get()
        page = reader.get(f"{LIST}{entry.pk}/").content.decode()
        for text in ("The system added the address book “Team”.", "Owner", ">organizer<", ">Sales<"):
            assert text in page

    def test_administrator_is_led_to_the_thing_and_an_auditor_where_it_may_be_seen(
        self, reader: Client, administrator: User, organizer: User, signed_in: SignedIn
    ) -> None:
        book = AddressBookFactory(owner=organizer)
        conference = ConferenceFactory()
        about_book = AuditEntry.objects.get_for_object(book).get()
        about_conference = AuditEntry.objects.get_for_object(conference).get()
        link = f'href="/books/{book.pk}/"'
        assert link in signed_in(administrator).get(f"{LIST}{about_book.pk}/").content.decode()
        assert link not in reader.get(f"{LIST}{about_book.pk}/").content.decode()
        assert (
            f'href="/history/conferences/{conference.pk}/"'
            in reader.get(f"{LIST}{about_conference.pk}/").content.decode()
        )

    def test_thing_that_is_gone_is_no_link(self, administrator: User, signed_in: SignedIn) -> None:
        app = AppFactory()
        pk = app.pk
        app.delete()
        entry = AuditEntry.objects.filter(object_id=pk, action=Action.DELETE).get()
        response = signed_in(administrator).get(f"{LIST}{entry.pk}/")
        assert response.context["thing_url"] == ""

    def test_entry_that_is_not_there_is_not_found(self, reader: Client) -> None:
        assert reader.get(f"{LIST}987654321/").status_code == HTTPStatus.NOT_FOUND


class TestWhoMayRead:
    @pytest.mark.parametrize("address", [LIST, f"{LIST}1/"])
    def test_organizer_may_not(self, address: str, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).get(address).status_code == HTTPStatus.FORBIDDEN

    def test_organizer_is_not_led_there(self, organizer: User, reader: Client, signed_in: SignedIn) -> None:
        link = f'href="{LIST}"'
        assert link not in signed_in(organizer).get("/history/").content.decode()
        assert link in reader.get("/history/").content.decode()

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        assert client.get(LIST)["Location"] == f"/sign-in/?next={LIST}"

    def test_nothing_is_written_there(self, reader: Client) -> None:
        assert reader.post(LIST).status_code == HTTPStatus.METHOD_NOT_ALLOWED
