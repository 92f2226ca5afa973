"""Phone numbers are shown to those who may see them, and to nobody else, wherever they might stand."""

import io
import re
import unicodedata
import zipfile

import pytest
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.logs import mask_text
from invites.models import Contact, HistoryExport, Person, User
from invites.models.history_export import ExportFormat, ExportRows
from tests.conftest import SignedIn
from tests.invites.held import NUMBER, SPELLINGS, UNION_ID, hold
from tests.security.walking import ordered_at, walk

pytestmark = pytest.mark.django_db
# More of the number than its country code and its last four digits, which everybody may see.
HIDDEN = "9876543"


def bare(text: str) -> str:
    """``text`` without what may stand between the digits of a number, in a page or in an address."""
    return re.sub(r"&nbsp;|%20|[\s+().\u2010-\u2015-]", "", unicodedata.normalize("NFKC", text))


@pytest.fixture
def auditing(organizer: User, auditor: User, signed_in: SignedIn) -> Client:
    """An auditor who may not see numbers, where numbers stand everywhere, also in others' exports."""
    hold(organizer)
    for query in (f"person={NUMBER[1:]}", "person=%2B86+139+8765+4321", "person=139-8765-4321"):
        HistoryExport.objects.create(user=organizer, file_format="csv", time_zone="UTC", query=query)
    return signed_in(auditor)


class TestAuditorWithoutGrant:
    def test_no_page_and_no_fragment_shows_a_number(self, auditing: Client) -> None:
        seen = {
            address: text
            for address, body in walk(auditing)
            if HIDDEN in (text := bare(body.decode(errors="ignore")))
        }
        assert {address: text[text.index(HIDDEN) - 60 :][:120] for address, text in seen.items()} == {}

    @pytest.mark.parametrize(
        "text", [*SPELLINGS, NUMBER, NUMBER[:9], HIDDEN, "987 6543", "１３９８７６５４３２１"]
    )
    @pytest.mark.parametrize("page", ["/history/", "/history/counts/", "/history/changes/"])
    def test_nobody_is_found_by_a_number_or_a_part_of_it(
        self, auditing: Client, page: str, text: str
    ) -> None:
        found = auditing.get(page, {"person": text}).content.decode()
        assert not re.search(r'href="/history/(people/|changes/)?\d+/"', found)
        assert auditing.get(page, {"person": UNION_ID}).status_code == 200

    @pytest.mark.parametrize("file_format", ExportFormat.values)
    @pytest.mark.parametrize("rows_are", ExportRows.values)
    def test_no_export_holds_a_number(self, auditing: Client, file_format: str, rows_are: str) -> None:
        order = {"file_format": file_format, "rows_are": rows_are, "time_zone": "UTC"}
        address = auditing.post(ordered_at(rows_are), order).headers["Location"]
        file = auditing.get(f"{address}file/").getvalue()
        assert file
        if file_format == ExportFormat.XLSX:
            with zipfile.ZipFile(io.BytesIO(file)) as parts:
                file = b"".join(map(parts.read, parts.namelist()))
        assert UNION_ID.encode() in file or rows_are != ExportRows.PEOPLE
        assert HIDDEN not in bare(file.decode())

    def test_granted_they_see_it(self, auditing: Client, auditor: User) -> None:
        auditor.may_see_phone_numbers = True
        auditor.save()
        person = Person.objects.get(value=NUMBER)
        assert HIDDEN in bare(auditing.get(f"/history/people/{person.pk}/").content.decode())
        assert Contact.objects.exists()


NUMBERS = st.sampled_from(["13987654321", "15512345678", "19900001111"])


@st.composite
def written_numbers(draw: st.DrawFn) -> str:
    """A mobile number of China as people and programs write it."""
    digits = draw(NUMBERS)
    prefix = draw(st.sampled_from(["", "+86", "+86 ", "0086", "0086 ", "86", "(+86) ", "+86-", "＋86"]))
    between = draw(st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013"]))
    text = prefix + between.join((digits[:3], digits[3:7], digits[7:]))
    return text.translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)}) if draw(st.booleans()) else text


class TestLogs:
    @given(
        number=written_numbers(),
        around=st.sampled_from(["%s", "to %s, now", "phone=%s", '{"p": "%s"}', "(%s)"]),
    )
    @example(number="+86139 8765 4321", around="%s")
    @example(number="+44 20 7946 0958", around="call %s")
    def test_number_is_masked_however_it_is_written(self, number: str, around: str) -> None:
        masked = bare(mask_text(around % number))
        digits = bare(number)
        assert digits not in masked
        assert digits[-7:] not in masked

    @given(st.text())
    def test_masking_never_fails(self, text: str) -> None:
        assert isinstance(mask_text(text), str)
