"""Finds what is on record of somebody by the unionId or the number that they had before or after a change.

On PostgreSQL each index is built beside whatever is written meanwhile, which no transaction allows.
"""

from django.db import migrations

from invites.migrations._run_in import RunIn

PLACES = [(field, place) for field in ("union_id", "phone_number") for place in (0, 1)]


def name_of(field, place):
    return f"invites_auditentry_{field}_{place}"


def created(expression, field, place, how=""):
    value = expression.format(field=field, place=place)
    return f"CREATE INDEX {how} {name_of(field, place)} ON invites_auditentry (({value})) WHERE ({value}) IS NOT NULL"


# What an interrupted migration has left is built anew.
GONE = [f"DROP INDEX IF EXISTS {name_of(*where)}" for where in PLACES]
ON_POSTGRESQL = [created("changes #>> '{{{field},{place}}}'", *where, how="CONCURRENTLY") for where in PLACES]
ON_SQLITE = [created("json_extract(changes, '$.{field}[{place}]')", *where) for where in PLACES]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("invites", "0014_people_invited_by_programs"),
    ]

    operations = [
        RunIn("postgresql", [*GONE, *ON_POSTGRESQL], GONE),
        RunIn("sqlite", [*GONE, *ON_SQLITE], GONE),
    ]
