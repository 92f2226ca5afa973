"""Finds the calls that failed for whoever has thousands that did not: of an organizer, a conference, somebody called.

Only calls with a code are in these indexes, so that one that succeeds costs nothing more.
"""

from django.db import migrations, models

from invites.migrations._beside import AddIndexBeside

NOT_TAKEN = models.Q(state__in=("failed", "unknown"))
WHOSE = ["organizer", "conference"]
INDEXES = [
    models.Index(fields=["id", "state"], condition=NOT_TAKEN, name="attempt_not_taken"),
    *(
        models.Index(
            fields=[whose, "-started_at", "-id", "state"],
            condition=NOT_TAKEN,
            name=f"attempt_not_taken_{whose}",
        )
        for whose in WHOSE
    ),
    *(
        models.Index(
            fields=[whose, "error_code", "-started_at", "-id"],
            condition=~models.Q(error_code=""),
            name=f"attempt_code_{whose}",
        )
        for whose in WHOSE
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("invites", "0017_people_of_a_call_are_few"),
    ]

    operations = [AddIndexBeside(model_name="attempt", index=index) for index in INDEXES]
