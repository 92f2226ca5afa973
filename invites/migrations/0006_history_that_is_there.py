"""Writes down of the history that is there what 0005 made room for: who each person is, what attempts are searched by,
on which day everything was, and the counts that the database keeps from 0007 on.
"""

import os
from collections import defaultdict
from itertools import batched

from django.db import migrations
from django.db.models import BinaryField, Case, Exists, Func, OuterRef, Subquery, Value, When
from django.db.models.functions import TruncDate

from invites import spelling

PIECE = 2000


class NewSalt(Func):
    """Sixteen bytes that nobody can guess, others for each row."""

    output_field = BinaryField()

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="uuid_send(gen_random_uuid())", **context)

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="randomblob(16)", **context)


def know_invitations(apps):
    sent = apps.get_model("invites", "Invitation").objects.filter(sent_at__isnull=False)
    sent.update(day=TruncDate("sent_at"))


def know_people(apps):
    people = apps.get_model("invites", "Person").objects
    sent = apps.get_model("invites", "Invitee").objects.filter(invitation__sent_at__isnull=False)
    who = ("channel", "value", "nick")
    named = sent.order_by(*who).values_list(*who).distinct().iterator(chunk_size=PIECE)
    for piece in batched(named, PIECE, strict=False):
        people.bulk_create(
            people.model(
                channel=channel,
                value=value,
                nick=nick,
                salt=os.urandom(16),
                search_text=spelling.search_text(nick=nick, phone_number=value if channel == "phone" else ""),
            )
            for channel, value, nick in piece
        )
    same = people.filter(**{name: OuterRef(name) for name in who})
    sent.update(person=Subquery(same.values("pk")[:1]))


def know_attempts(apps):
    attempts = apps.get_model("invites", "Attempt").objects
    sendings = apps.get_model("invites", "AttemptInvitee").objects
    invitations = apps.get_model("invites", "Invitation").objects.filter(pk=OuterRef("invitation"))
    sent = sendings.filter(attempt=OuterRef("pk"))
    by_phone, by_union_id = (Exists(sent.filter(invitee__channel=each)) for each in ("phone", "union_id"))
    attempts.update(
        channels=Case(
            When(by_phone & by_union_id, then=Value("both")),
            When(by_phone, then=Value("phone")),
            default=Value("union_id"),
        ),
        conference=Subquery(invitations.values("conference")[:1]),
        app=Subquery(invitations.values("conference__app")[:1]),
        organizer=Subquery(invitations.values("sent_by")[:1]),
        day=TruncDate("started_at"),
        salt=NewSalt(),
    )
    invitees = apps.get_model("invites", "Invitee").objects.filter(pk=OuterRef("invitee"))
    of_call = attempts.filter(pk=OuterRef("attempt"))
    sendings.update(
        started_at=Subquery(of_call.values("started_at")[:1]), person=Subquery(invitees.values("person")[:1])
    )


COUNTED = ("pk", "app", "conference", "day", "state", "error_code", "people", "duration_ms")


def count(apps):
    attempts, turnout = apps.get_model("invites", "Attempt").objects, apps.get_model("invites", "Turnout")
    bounds = (100, 250, 500, 1000, 2500, 5000, 10_000)
    by_app, by_conference = {}, {}
    finished = attempts.exclude(state="started").order_by("pk").values_list(*COUNTED)
    for pk, app, conference, day, state, code, people, duration in finished.iterator(chunk_size=PIECE):
        ms = duration or 0
        of_app, of_conference = ((day, noun, state, code) for noun in (app, conference))
        for counts, key in ((by_app, of_app), (by_conference, of_conference)):
            row = counts.setdefault(key, defaultdict(int))
            row["attempts"] += 1
            row["people"] += people
            if ms >= row["slowest_ms"]:
                row["slowest_ms"], row["slowest_attempt"] = ms, pk
        row = by_app[of_app]
        row["ms_sum"] += ms
        row[next((f"ms_{bound}" for bound in bounds if ms <= bound), "ms_more")] += 1
    for model, noun, counts in (
        ("AppCount", "app_id", by_app),
        ("ConferenceCount", "conference_id", by_conference),
    ):
        table = apps.get_model("invites", model)
        table.objects.bulk_create(
            table(**{"day": day, noun: pk, "state": state, "error_code": code}, **row)
            for (day, pk, state, code), row in counts.items()
        )
    turnouts = defaultdict(int)
    rows = apps.get_model("invites", "Invitation").objects.filter(sent_at__isnull=False)
    for conference, day in rows.values_list("conference", "day"):
        turnouts[conference, day] += 1
    turnout.objects.bulk_create(
        turnout(conference_id=conference, day=day, invitations=n) for (conference, day), n in turnouts.items()
    )
    days = defaultdict(int)
    for (_conference, day), n in turnouts.items():
        days[day] += n
    of_days = apps.get_model("invites", "DayTurnout")
    of_days.objects.bulk_create(of_days(day=day, invitations=n) for day, n in days.items())


def know_and_count(apps, schema_editor):
    know_invitations(apps)
    know_people(apps)
    know_attempts(apps)
    count(apps)


class Migration(migrations.Migration):
    dependencies = (("invites", "0005_history_that_auditors_trust"),)

    operations = (migrations.RunPython(know_and_count, migrations.RunPython.noop, elidable=False),)
