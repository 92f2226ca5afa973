"""Fills a database of PostgreSQL with a history: makes whoever is in it, lets it be told and loaded, and counts it."""

import random
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from invites import spelling
from invites.models import App, Conference, Person, User
from invites.models.app import AppKind
from invites.models.invitee import Channel
from invites.models.user import Role
from tests.benchmarks.finding import people as people_who_look_real
from tests.factories import PASSWORD
from tests.histories.counted import ADD_UP, CONFERENCES_WATCHED, COUNT, MEMBERS
from tests.histories.days import days
from tests.histories.loading import Loader, go_on_counting, indexes_made_last
from tests.histories.telling import Keys, Somebody, Teller, World
from tests.keeping import tampering

PEOPLE, ORGANIZERS = 20_000, 60
BY_PHONE = 0.25
# So many attempts are told before they are loaded, while the next are told.
_PIECE = 20_000
# Below that, making indexes anew takes longer than keeping them up.
_MANY = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Who is in a history that was filled."""

    organizers: list[User]
    auditor: User
    administrator: User
    apps: list[App]
    attempts: int


def fill(attempts: int, *, seed: int = 1, until: datetime | None = None, people: int = PEOPLE) -> History:
    """Fills the database with so many attempts, the last of them just before ``until``; the same for the same seed.

    Nothing may be in the database that has to do with invitations. Its user must be a superuser.
    """
    choose = random.Random(seed)
    until = until or timezone.now()
    history = _nobody_yet(attempts)
    somebody = _people(people, choose)
    world = World(
        people=somebody,
        organizers=[(user.pk, user.union_id) for user in history.organizers],
        apps=[app.pk for app in history.apps],
        conference_type=ContentType.objects.get_for_model(Conference).pk,
        until=until.timestamp(),
    )
    teller = Teller(world=world, keys=Keys(), choose=choose, left=attempts)
    zone = ZoneInfo(settings.TIME_ZONE)
    with indexes_made_last(are_many=attempts >= _MANY), Loader() as loader:
        for number, day in enumerate(days(choose, attempts=attempts, until=until, zone=zone)):
            teller.tell(day, number=number)
            if len(teller.lines["attempt"]) >= _PIECE:
                loader.load(teller)
        loader.load(teller)
    with tampering() as cursor:
        cursor.execute("SET work_mem = '512MB'")
        cursor.execute("ANALYZE")
        cursor.execute(COUNT)
        cursor.execute(MEMBERS, {"after": teller.keys.conference - CONFERENCES_WATCHED})
        cursor.execute(ADD_UP)
        cursor.execute("RESET work_mem")
    with connection.cursor() as cursor:
        go_on_counting(cursor)
        cursor.execute("VACUUM ANALYZE")
    return history


def _nobody_yet(attempts: int) -> History:
    """Makes the users, who sign in with the password of the tests, and the apps, which lead nowhere."""
    password = make_password(PASSWORD)
    roles = [Role.ORGANIZER] * ORGANIZERS + [Role.AUDITOR, Role.ADMINISTRATOR]
    users = User.objects.bulk_create(
        User(
            username=f"{role}{number}" if role is Role.ORGANIZER else f"history-{role}",
            first_name="",
            password=password,
            role=role,
            union_id=f"operatorOf{number:04d}iE",
            is_staff=role is Role.ADMINISTRATOR,
            is_superuser=role is Role.ADMINISTRATOR,
        )
        for number, role in enumerate(roles, start=1)
    )
    apps = [
        App.objects.create(
            name=name, kind=AppKind.FIXED_TOKEN, base_url="http://127.0.0.1:9", monthly_quota=0
        )
        for name in ("Headquarters", "Overseas", "Trial")
    ]
    *organizers, auditor, administrator = users
    return History(
        organizers=organizers, auditor=auditor, administrator=administrator, apps=apps, attempts=attempts
    )


def _people(count: int, choose: random.Random) -> list[Somebody]:
    """Everybody who will ever be called, on record."""
    rows = []
    for nick, union_id, number in people_who_look_real(count):
        by_phone = choose.random() < BY_PHONE
        channel, value = (Channel.PHONE, number) if by_phone else (Channel.UNION_ID, union_id)
        found_by = spelling.search_text(nick=nick, phone_number=number if by_phone else "")
        rows.append(
            Person(channel=channel, value=value, nick=nick, search_text=found_by, salt=choose.randbytes(16))
        )
    made = Person.objects.bulk_create(rows, batch_size=5000)
    return [
        Somebody(pk=person.pk, channel=str(person.channel), value=person.value, nick=person.nick)
        for person in made
    ]
