"""What is on record of somebody is found along indexes, however much is on record of others."""

import re
from collections.abc import Callable

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invites import disclosing, erasing
from invites.chronicling import Way
from invites.models import AuditEntry, Contact, User
from invites.models.invitee import Channel
from tests.factories import ConferenceFactory, UserFactory
from tests.invites.held import NUMBER, UNION_ID, hold

pytestmark = pytest.mark.django_db
OTHERS = 3000


def write(key: int, **changes: object) -> AuditEntry:
    """An entry about a contact that is long gone."""
    entry: AuditEntry = AuditEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Contact),
        object_pk=str(key),
        object_id=key,
        object_repr="Somebody",
        action=AuditEntry.Action.UPDATE,
        changes=changes,
    )
    return entry


def found(value: str) -> set[int]:
    return set(AuditEntry.objects.all().telling_of(value).values_list("pk", flat=True))


class TestFound:
    @pytest.mark.parametrize("value", [UNION_ID, NUMBER, 'quoted "%_\\'])
    @pytest.mark.parametrize("field", ["union_id", "phone_number"])
    def test_what_somebody_was_before_and_became_is_found(self, field: str, value: str) -> None:
        became, was = write(1, **{field: [None, value]}), write(1, **{field: [value, ""]})
        write(2, **{field: [f"{value}x", "another"]}, nick=["a", "b"])
        assert found(value) == {became.pk, was.pk}

    def test_account_with_the_union_id_is_found(self) -> None:
        user = UserFactory(union_id=UNION_ID)
        made = AuditEntry.objects.all().about(User, [user.pk]).earliest("pk")
        assert found(UNION_ID) == {made.pk}

    def test_what_is_written_about_neither_contacts_nor_users_is_found_anywhere(self) -> None:
        conference = ConferenceFactory(title=f"With {NUMBER}")
        assert found(NUMBER) == {AuditEntry.objects.all().about(type(conference), [conference.pk]).get().pk}


class TestAlongAnIndex:
    @pytest.fixture
    def full(self, organizer: User) -> None:
        """A record of many others, and of somebody who is held everywhere."""
        hold(organizer)
        kind = ContentType.objects.get_for_model(Contact)
        AuditEntry.objects.create_many(
            {
                "content_type": kind,
                "object_pk": str(10_000 + n),
                "object_id": 10_000 + n,
                "object_repr": f"Other {n}",
                "action": AuditEntry.Action.CREATE,
                "changes": {"union_id": [None, f"other-{n}"], "phone_number": [None, f"+861380000{n:04}"]},
            }
            for n in range(OTHERS)
        )
        if connection.vendor == "postgresql":
            # As it does by itself; nobody tells SQLite to count.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")

    @pytest.mark.usefixtures("full")
    @pytest.mark.parametrize(
        "act",
        [
            lambda: disclosing.held(disclosing.gather([Way(channel=Channel.UNION_ID, value=UNION_ID)])[0]),
            lambda: erasing.erase(channel=Channel.PHONE, value=NUMBER, by=None, because="Asked"),
            lambda: erasing.erase(channel=Channel.UNION_ID, value="nobody", by=None, because="Asked"),
        ],
        ids=["held", "erased", "not_known"],
    )
    def test_no_question_reads_the_record_from_one_end_to_the_other(self, act: Callable[[], object]) -> None:
        with CaptureQueriesContext(connection) as captured:
            act()
        asked = [
            query["sql"]
            for query in captured
            if re.match(r"(SELECT|UPDATE)\b.*invites_auditentry", query["sql"])
        ]
        assert len(asked) >= len(("union_id", "phone_number")) * 2 + 1
        assert [sql for sql in asked if reads_all(sql)] == []


def reads_all(sql: str) -> bool:
    """Whether the database would look at every entry for this."""
    how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {sql.replace('%', '%%')}" if connection.vendor == "sqlite" else f"{how} {sql}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    return bool(re.search(r"Seq Scan on invites_auditentry|SCAN invites_auditentry\b(?! USING)", plan))
