"""What pages add up of many conferences: each day's turnout, kept by the database itself, and indexes for the rest."""

from django.db import migrations, models

from invites.migrations._run_in import RunIn

FILL = """
INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined)
SELECT day, 0, SUM(invitations), SUM(observed), SUM(joined) FROM invites_turnout GROUP BY day
"""

# Whoever sends holds the row until their commit: more of them than of attempts, whose transactions are short.
ADD_UP_ON_POSTGRESQL = """
CREATE FUNCTION invites_add_up_turnout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined) VALUES (
        NEW.day,
        pg_backend_pid() % 64,
        NEW.invitations - coalesce(OLD.invitations, 0),
        NEW.observed - coalesce(OLD.observed, 0),
        NEW.joined - coalesce(OLD.joined, 0)
    ) ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
    RETURN NULL;
END $$;
CREATE TRIGGER invites_add_up_turnout AFTER INSERT OR UPDATE OF invitations, observed, joined ON invites_turnout
    FOR EACH ROW EXECUTE FUNCTION invites_add_up_turnout();
"""
ADD_UP_ON_POSTGRESQL_BACK = """
DROP TRIGGER invites_add_up_turnout ON invites_turnout;
DROP FUNCTION invites_add_up_turnout();
"""
ADD_UP_ON_SQLITE = """
CREATE TRIGGER invites_add_up_turnout_added AFTER INSERT ON invites_turnout BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined)
    VALUES (new.day, 0, new.invitations, new.observed, new.joined)
    ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
END;
CREATE TRIGGER invites_add_up_turnout AFTER UPDATE OF invitations, observed, joined ON invites_turnout BEGIN
    INSERT INTO invites_dayturnout (day, shard, invitations, observed, joined) VALUES (
        new.day, 0, new.invitations - old.invitations, new.observed - old.observed, new.joined - old.joined
    ) ON CONFLICT (day, shard) DO UPDATE SET
        invitations = invites_dayturnout.invitations + excluded.invitations,
        observed = invites_dayturnout.observed + excluded.observed,
        joined = invites_dayturnout.joined + excluded.joined;
END;
"""
ADD_UP_ON_SQLITE_BACK = """
DROP TRIGGER invites_add_up_turnout_added;
DROP TRIGGER invites_add_up_turnout;
"""


class Migration(migrations.Migration):
    dependencies = (("invites", "0008_draft_edit_kinds"),)

    operations = (
        migrations.CreateModel(
            name="DayTurnout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("shard", models.PositiveSmallIntegerField(default=0)),
                ("invitations", models.BigIntegerField(default=0)),
                ("observed", models.BigIntegerField(default=0)),
                ("joined", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "turnout of a day",
                "indexes": [
                    models.Index(
                        condition=models.Q(("shard__gt", 0)), fields=["day"], name="day_turnout_to_compact"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("day", "shard"), name="day_turnout_once")],
            },
        ),
        migrations.AddIndex(
            model_name="appcount",
            index=models.Index(
                condition=models.Q(("shard__gt", 0)), fields=["day"], name="app_count_to_compact"
            ),
        ),
        migrations.AddIndex(
            model_name="conferencecount",
            index=models.Index(
                condition=models.Q(("shard__gt", 0)), fields=["day"], name="conference_count_to_compact"
            ),
        ),
        migrations.AddIndex(
            model_name="conference",
            index=models.Index(fields=["owner", "-id"], name="conference_of_owner"),
        ),
        migrations.AddIndex(
            model_name="conference",
            index=models.Index(
                condition=models.Q(("status", "open")), fields=["-id"], name="conference_open"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        RunIn("postgresql", ADD_UP_ON_POSTGRESQL, ADD_UP_ON_POSTGRESQL_BACK),
        RunIn("sqlite", ADD_UP_ON_SQLITE, ADD_UP_ON_SQLITE_BACK),
    )
