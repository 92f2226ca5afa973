"""Somebody of whom something is held in every place that the product has for people."""

import io

import openpyxl
from django.utils import timezone

from invites import curating, importing
from invites.models import (
    AddressBook,
    ContactImport,
    DraftLine,
    HistoryExport,
    ImportRow,
    SavedFilter,
    User,
)
from invites.models.attempt import AttemptState
from invites.models.contact_import import ImportSource, ImportState, RowOutcome
from invites.models.draft_line import LineProblem
from invites.models.history_export import ExportFormat
from invites.models.invitee import Channel, InviteeState
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

UNION_ID = "unionOfZhangSan"
NUMBER = "+8613987654321"
NICK = "张三 Zhang"
WAYS = ((Channel.UNION_ID, UNION_ID), (Channel.PHONE, NUMBER))
# The number as people write it, without what is around its digits.
SPELLINGS = ("13987654321", "139 8765 4321", "+86 139 8765 4321", "+86-139-8765-4321")


def hold(organizer: User) -> AddressBook:
    """Puts somebody with UNION_ID, NUMBER and NICK, and nobody else, into every place; returns their book."""
    conference = ConferenceFactory(owner=organizer)
    book: AddressBook = AddressBookFactory(owner=organizer, app=conference.app)
    contact = ContactFactory(book=book, nick=NICK, union_id=UNION_ID, phone_number=NUMBER)
    contact.nick = f"{NICK} jr"
    curating.save_contact(contact=contact, user=organizer)
    MemberFactory(union_id=UNION_ID, nick=NICK)
    nameless = MemberFactory(conference=conference, union_id="", key="nameless", nick=NICK, by_phone=True)
    draft = InvitationFactory(conference=conference)
    for channel, value in WAYS:
        by_phone = channel == Channel.PHONE
        sent = SentInvitationFactory(conference=conference)
        person = InviteeFactory(
            invitation=sent,
            channel=channel,
            value=value,
            nick=NICK,
            state=InviteeState.FAILED,
            member=nameless if by_phone else None,
            member_is_probable=by_phone,
        )
        AttemptFactory(
            invitation=sent,
            sent_to=[person],
            state=AttemptState.FAILED,
            error_code="unknownUserError",
            error_message=f"unknown: {SPELLINGS[0]}, {UNION_ID}",
        )
        InviteeFactory(invitation=draft, channel=channel, value=value, nick=NICK)
    _put_beside(organizer, book)
    return book


def waiting_files() -> dict[str, bytes]:
    """Files of every kind in which they stand where no column of the list has them, or in no plain text."""
    return {
        "second-sheet.xlsx": _workbook(
            [["name", "phone"], ["Somebody else", "13800138000"]], [[NICK, int(SPELLINGS[0])]]
        ),
        f"{NUMBER}.xlsx": _workbook([["name", "unionId"], [NICK, UNION_ID]]),
        f"{NICK}.csv": f"name\tphone\n{NICK}\t{SPELLINGS[1]}\n".encode("utf-16"),
        "gb18030.csv": f"姓名,手机号\n李四,13800138000\n{NICK},{SPELLINGS[3]}\n".encode("gb18030"),
    }


def _workbook(*sheets: list[list[str | int]]) -> bytes:
    workbook, file = openpyxl.Workbook(write_only=True), io.BytesIO()
    for rows in sheets:
        sheet = workbook.create_sheet()
        for row in rows:
            sheet.append(row)
    workbook.save(file)
    return file.getvalue()


def _put_beside(organizer: User, book: AddressBook) -> None:
    """What is kept for a while beside books and history."""
    draft = InvitationFactory(conference__owner=organizer)
    for spelling in (*SPELLINGS, UNION_ID):
        DraftLine.objects.create(invitation=draft, text=f"? {spelling}", problem=LineProblem.NOTHING_USABLE)
    done, ready = (
        ContactImport.objects.create(
            book=book, source=ImportSource.DIRECTORY, state=state, finished_at=timezone.now()
        )
        for state in (ImportState.DONE, ImportState.READY)
    )
    ImportRow.objects.create(
        contact_import=done, number=2, outcome=RowOutcome.REFUSE, cells=[NICK, SPELLINGS[2], ""]
    )
    ImportRow.objects.create(
        contact_import=ready, number=1, outcome=RowOutcome.ADD, nick=NICK, union_id=UNION_ID
    )
    importing.begin(
        book=book,
        user=organizer,
        source=ImportSource.PASTE,
        file=io.BytesIO(f"name,phone\n{NICK},{SPELLINGS[1]}\n".encode()),
        name="",
        country="CN",
    )
    for name, file in waiting_files().items():
        importing.begin(
            book=book,
            user=organizer,
            source=ImportSource.FILE,
            file=io.BytesIO(file),
            name=name,
            country="CN",
        )
    SavedFilter.objects.create(user=organizer, name="Theirs", query="person=%2B86+139+8765+4321")
    SavedFilter.objects.create(user=organizer, name="Others", query="person=Somebody+else")
    HistoryExport.objects.create(
        user=organizer,
        file_format=ExportFormat.CSV,
        time_zone="UTC",
        query=f"person={UNION_ID}&outcome=failed",
    )
