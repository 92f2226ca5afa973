"""Writes down of the history that is there what 0005 made room for: who each person is, what attempts are searched by,
on which day everything was, and the counts that the database keeps from 0007 on.
"""

import os
from collections import defaultdict

from django.db import migrations
from django.utils import timezone

from invites import spelling

PIECE = 2000


def pieces(rows):
    """The rows of a queryset by their keys, so many at a time."""
    last = 0
    while piece := list(rows.filter(pk__gt=last).order_by("pk")[:PIECE]):
        yield piece
        last = piece[-1].pk


def know_invitations(apps):
    Invitation = apps.get_model("invites", "Invitation")
    for piece in pieces(Invitation.objects.filter(sent_at__isnull=False)):
        for invitation in piece:
            invitation.day = timezone.localdate(invitation.sent_at)
        Invitation.objects.bulk_update(piece, ["day"])


def know_people(apps):
    invitees, people = apps.get_model("invites", "Invitee").objects, apps.get_model("invites", "Person")
    for piece in pieces(invitees.filter(invitation__sent_at__isnull=False)):
        new = {(invitee.channel, invitee.value, invitee.nick) for invitee in piece}
        people.objects.bulk_create(
            (
                people(
                    channel=channel,
                    value=value,
                    nick=nick,
                    salt=os.urandom(16),
                    search_text=spelling.search_text(
                        nick=nick, phone_number=value if channel == "phone" else ""
                    ),
                )
                for channel, value, nick in sorted(new)
            ),
            ignore_conflicts=True,
        )
        there = people.objects.filter(value__in={value for _channel, value, _nick in new})
        keys = {(person.channel, person.value, person.nick): person.pk for person in there}
        for invitee in piece:
            invitee.person_id = keys[invitee.channel, invitee.value, invitee.nick]
        invitees.bulk_update(piece, ["person"])


def know_attempts(apps):
    attempts = apps.get_model("invites", "Attempt").objects
    sendings = apps.get_model("invites", "AttemptInvitee").objects
    for piece in pieces(attempts.select_related("invitation__conference")):
        channels = defaultdict(set)
        for attempt, channel in sendings.filter(attempt__in=piece).values_list("attempt", "invitee__channel"):
            channels[attempt].add(channel)
        for attempt in piece:
            used = channels[attempt.pk] or {"union_id"}
            attempt.channels = "both" if len(used) > 1 else used.pop()
            attempt.conference_id = attempt.invitation.conference_id
            attempt.app_id = attempt.invitation.conference.app_id
            attempt.organizer_id = attempt.invitation.sent_by_id
            attempt.day = timezone.localdate(attempt.started_at)
            attempt.salt = os.urandom(16)
        attempts.bulk_update(piece, ["channels", "conference", "app", "organizer", "day", "salt"])
    for piece in pieces(sendings.select_related("attempt", "invitee")):
        for sending in piece:
            sending.started_at = sending.attempt.started_at
            sending.person_id = sending.invitee.person_id
        sendings.bulk_update(piece, ["started_at", "person"])


def count(apps):
    attempts, turnout = apps.get_model("invites", "Attempt").objects, apps.get_model("invites", "Turnout")
    bounds = (100, 250, 500, 1000, 2500, 5000, 10_000)
    by_app, by_conference = {}, {}
    finished = attempts.exclude(state="started").order_by("pk")
    for attempt in finished.iterator(chunk_size=PIECE):
        ms = attempt.duration_ms or 0
        for counts, noun in ((by_app, attempt.app_id), (by_conference, attempt.conference_id)):
            key = (attempt.day, noun, attempt.state, attempt.error_code)
            row = counts.setdefault(key, defaultdict(int))
            row["attempts"] += 1
            row["people"] += attempt.people
            if ms >= row["slowest_ms"]:
                row["slowest_ms"], row["slowest_attempt"] = ms, attempt.pk
        row = by_app[attempt.day, attempt.app_id, attempt.state, attempt.error_code]
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
