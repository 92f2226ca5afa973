"""What people write of a conference, or of a unionId, is found by indexes over three characters each."""

from django.db import migrations

from invites.migrations._run_in import RunIn

FOUND = """
CREATE INDEX invites_conference_search ON invites_conference USING gin (
    upper(title) gin_trgm_ops, upper(room_code) gin_trgm_ops, upper(conference_id) gin_trgm_ops
);
CREATE INDEX invites_person_value ON invites_person USING gin (value gin_trgm_ops);
"""
FOUND_BACK = """
DROP INDEX invites_conference_search;
DROP INDEX invites_person_value;
"""


class Migration(migrations.Migration):
    dependencies = (("invites", "0013_weekly_digest"),)

    operations = (RunIn("postgresql", FOUND, FOUND_BACK),)
