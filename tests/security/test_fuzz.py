"""Whatever is typed, pasted, uploaded or written into an address: an answer, and never a mistake of ours.

Short in `make test`; `make fuzz` tries many times as much.
"""

import io
import json
import os
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invites import receiving
from invites.dingtalk.events import MEETING_CHANGED, MEMBERS_CHANGED, TICKET_ISSUED
from invites.forms.attempt import AttemptFilterForm
from invites.forms.change_on_record import ChangeFilterForm
from invites.models import AddressBook, Conference, User
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ConferenceFactory, ContactFactory

pytestmark = pytest.mark.django_db
# Each example is some requests: all share one database, in which what they leave does no harm.
patiently = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "12")),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

# What breaks programs, beside whatever Hypothesis finds.
NASTY = st.sampled_from(
    [
        *(
            "",
            " ",
            "\0",
            "a\0b",
            "%",
            "_",
            "\\",
            "'",
            '"',
            "<script>",
            "\u202e",
            "\U0001f600",
            "\r\n",
            "\t",
        ),
        *("9" * 30, "-1", "1e9", "NaN", "inf", "0x10", "١٢٣", "１３９", "+", "+86", "++86 139", "00", "=1+1"),
        *(
            "2026-02-30",
            "0000-00-00",
            "9999-12-31",
            "24:00",
            "true",
            "null",
            "[]",
            "{}",
            "[[[[",
            "../..",
            "//x",
        ),
        *("x" * 10_000, "😀" * 500, "a," * 500, "\n" * 1000, "\x7f\x80\x9f", "\ufeff", "\u2028", "é" * 129),
    ]
)
TEXTS = NASTY | st.text(max_size=200)


@pytest.fixture
def organizer_client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


@pytest.fixture
def administrator_client(signed_in: SignedIn, administrator: User) -> Client:
    return signed_in(administrator)


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


@pytest.fixture
def book(organizer: User, conference: Conference) -> AddressBook:
    """Of the app of the conference, with somebody in it."""
    book: AddressBook = AddressBookFactory(owner=organizer, app=conference.app)
    ContactFactory(book=book)
    return book


def query(*names: str) -> st.SearchStrategy[dict[str, list[str]]]:
    """Some of these parameters, each once or several times, and one that nobody knows."""
    return st.dictionaries(
        st.sampled_from([*names, "unknown"]), st.lists(TEXTS, min_size=1, max_size=3), max_size=5
    )


def fields_of(form: type[forms.Form]) -> list[str]:
    return [*form.base_fields]


def answers(client: Client, method: str, address: str, data: Any, **more: Any) -> None:
    """Sends it; a mistake of ours is raised by the client."""
    answer = getattr(client, method)(address, data, **more)
    assert answer.status_code < 500


class TestAddresses:
    @patiently
    @given(data=query(*fields_of(AttemptFilterForm), "before", "after", "seen"))
    @example(data={"before": ["9" * 30], "person": ["\0"]})
    def test_filters_of_the_history(self, administrator_client: Client, data: dict[str, list[str]]) -> None:
        answers(administrator_client, "get", "/history/", data)
        answers(administrator_client, "get", "/history/counts/", data)
        answers(administrator_client, "get", "/history/exports/", data)

    @patiently
    @given(data=query(*fields_of(ChangeFilterForm), "before", "after"))
    def test_filters_of_changes(self, administrator_client: Client, data: dict[str, list[str]]) -> None:
        answers(administrator_client, "get", "/history/changes/", data)

    @patiently
    @given(data=query("q", "group", "after", "before", "sort", "format", "who", "role", "active", "state"))
    def test_lists(self, administrator_client: Client, book: AddressBook, data: dict[str, list[str]]) -> None:
        for address in (
            "/books/",
            f"/books/{book.pk}/",
            "/conferences/",
            "/settings/personal-data/",
            "/history/seals/",
        ):
            answers(administrator_client, "get", address, data)
        for address in (
            f"/books/{book.pk}/export/",
            f"/books/{book.pk}/changes/",
            f"/books/{book.pk}/doubles/",
        ):
            answers(administrator_client, "get", address, data)

    @patiently
    @given(target=st.text(max_size=40), address=st.text(max_size=60), cookie=st.text(max_size=40))
    def test_headers_and_cookies(
        self, organizer_client: Client, target: str, address: str, cookie: str
    ) -> None:
        organizer_client.cookies["timezone"] = organizer_client.cookies["theme"] = ascii(cookie)
        headers = htmx(ascii(target)) | {"HX-Current-URL": ascii(address), "Referer": ascii(address)}
        answers(organizer_client, "get", "/", {}, headers=headers)
        answers(organizer_client, "post", "/theme/", {"next": address, "theme": target})


class TestComposer:
    @patiently
    @given(text=TEXTS, field=st.sampled_from(["people", "text", "line", "who"]))
    @example(text="张三,13800138000\n李四;+86 139 0000 0000\n\t,,,;;;", field="people")
    def test_paste_box_and_line(
        self, organizer_client: Client, conference: Conference, text: str, field: str
    ) -> None:
        address = reverse("invites:draft_add", args=[conference.pk])
        answers(organizer_client, "post", address, {field: text, "draft": text[:9], "revision": text[:9]})
        answers(
            organizer_client,
            "get",
            reverse("invites:draft_search", args=[conference.pk]),
            {"people": text, "q": text},
        )

    @patiently
    @given(
        data=query(
            "draft",
            "revision",
            "invitee",
            "contact",
            "group",
            "at",
            "day",
            "time",
            "rings",
            "minutes",
            "nick",
        )
    )
    def test_everything_that_is_posted_to_a_draft(
        self, organizer_client: Client, conference: Conference, data: dict[str, list[str]]
    ) -> None:
        for name in (
            "pick",
            "remove",
            "clear",
            "operator",
            "send",
            "schedule",
            "put_aside",
            "unschedule",
            "ring_again",
        ):
            answers(organizer_client, "post", reverse(f"invites:draft_{name}", args=[conference.pk]), data)


class TestForms:
    @patiently
    @given(
        data=query(
            "nick",
            "union_id",
            "phone_number",
            "groups",
            "reason",
            "until",
            "name",
            "sharing",
            "default_country",
        )
    )
    def test_contacts_books_and_groups(
        self, organizer_client: Client, book: AddressBook, data: dict[str, list[str]]
    ) -> None:
        for name in (
            "contact_create",
            "group_create",
            "book_edit",
            "book_shares",
            "selection_mark",
            "selection_move",
        ):
            answers(organizer_client, "post", reverse(f"invites:{name}", args=[book.pk]), data)

    @patiently
    @given(
        data=query(
            "first_name", "union_id", "email", "weekly_digest", "login", "password", "next", "language"
        )
    )
    def test_account_and_sign_in(
        self, organizer_client: Client, client: Client, data: dict[str, list[str]]
    ) -> None:
        answers(organizer_client, "post", "/settings/", data)
        answers(client, "post", "/sign-in/", data)
        answers(client, "post", "/language/", data)


class TestFiles:
    @patiently
    @given(
        content=st.binary(max_size=600)
        | TEXTS.map(lambda text: text.encode("utf-8", "replace"))
        | st.just(b"PK\x03\x04")
        | st.just(b"BEGIN:VCARD\nTEL:+86"),
        name=st.sampled_from(["a.csv", "a.xlsx", "a.vcf", "a.ods", "a", "../../a.csv", "a\0.csv", "x" * 300]),
    )
    def test_file_of_any_bytes(
        self, organizer_client: Client, book: AddressBook, content: bytes, name: str
    ) -> None:
        file = io.BytesIO(content)
        file.name = name
        address = reverse("invites:import_create", args=[book.pk])
        answers(organizer_client, "post", address, {"file": file, "source": "file", "country": "CN"})
        answers(
            organizer_client, "post", address, {"text": content.decode(errors="replace"), "source": "paste"}
        )


# Events as they come over the Stream connection, and what only looks like one.
ODD = st.one_of(
    NASTY,
    st.text(max_size=30),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.just("x" * 5000),
    st.just([[]]),
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("userId", "unionId", "userNick", "pstnJoin", "conferenceId"), ODD),
        "attendStatus": st.integers(0, 8) | ODD,
        "joinTime": st.sampled_from([0, 1_790_000_000_000, 10**15]) | ODD,
        "leaveTime": st.sampled_from([0, 1_790_000_000_000]) | ODD,
    },
)
EVENTS = st.fixed_dictionaries(
    {"conferenceId": st.just("c0ffee")},
    optional={
        "changeScene": st.sampled_from(["user_join", "user_leave", "conference_closed", "conference_created"])
        | ODD,
        "statusSeqNum": st.integers(-(2**70), 2**70) | ODD,
        "openMemberModels": st.lists(MEMBERS | ODD, max_size=4) | ODD,
        "openConfModel": st.fixed_dictionaries(
            {}, optional={"status": ODD, "title": ODD, "conferenceId": ODD}
        )
        | ODD,
        "suiteTicket": ODD,
        "suiteKey": ODD,
    },
)
HEADERS = st.fixed_dictionaries(
    {"eventType": st.sampled_from([MEETING_CHANGED, MEMBERS_CHANGED, TICKET_ISSUED]) | ODD},
    optional={"eventId": ODD, "eventBornTime": ODD, "eventCorpId": ODD, "topic": ODD},
)
FRAMES = (
    st.builds(
        lambda headers, data: {"type": "EVENT", "headers": headers, "data": data},
        HEADERS | ODD,
        EVENTS | EVENTS.map(json.dumps) | ODD,
    )
    | ODD
)


@pytest.fixture
def meeting(db: None) -> Conference:
    """One of which the events that are made up may tell."""
    conference: Conference = ConferenceFactory(conference_id="c0ffee", app__auth_corp_id="")
    return conference


class TestEvents:
    @patiently
    @given(body=st.binary(max_size=300), data=query("signature", "msg_signature", "timestamp", "nonce"))
    def test_callback(
        self, client: Client, book: AddressBook, body: bytes, data: dict[str, list[str]]
    ) -> None:
        address = reverse(
            "invites:event_callback", args=[book.app_id], query={k: v[0][:50] for k, v in data.items()}
        )
        answer = client.generic("POST", address, body, content_type="application/json")
        assert answer.status_code < 500

    @patiently
    @given(frame=FRAMES)
    def test_frame_of_the_stream(self, meeting: Conference, frame: object) -> None:
        # What raises would be sent again, and again.
        receiving.receive_frame([meeting.app_id], frame)
