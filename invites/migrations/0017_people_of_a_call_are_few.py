"""Tells PostgreSQL that a call has a few people. From a sample of a large table it guesses thousands, since those of a
call stand side by side, and then starts further processes for the names on a page.
"""

from django.db import migrations

from invites.migrations._run_in import RunIn

TOLD = [
    "ALTER TABLE invites_attemptinvitee ALTER COLUMN attempt_id SET (n_distinct = -0.2)",
    "ANALYZE invites_attemptinvitee (attempt_id)",
]
BACK = ["ALTER TABLE invites_attemptinvitee ALTER COLUMN attempt_id RESET (n_distinct)"]


class Migration(migrations.Migration):
    dependencies = [
        ("invites", "0016_files_of_changes"),
    ]

    operations = [
        RunIn("postgresql", TOLD, BACK),
    ]
