"""How far an export has got, what its rows are, and that one person has one file written at a time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("invites", "0009_what_days_add_up_to"),)

    operations = (
        migrations.RemoveConstraint(model_name="historyexport", name="history_export_state_is_known"),
        migrations.AddField(
            model_name="historyexport",
            name="rows_are",
            field=models.CharField(
                choices=[("people", "A row for each person of a call"), ("calls", "A row for each call")],
                default="people",
                max_length=8,
                verbose_name="rows",
            ),
        ),
        migrations.AddField(
            model_name="historyexport", name="begun_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="historyexport", name="noted_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="historyexport", name="reached", field=models.DateTimeField(null=True)
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="file_format",
            field=models.CharField(
                choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)"), ("jsonl", "JSON Lines")],
                max_length=8,
                verbose_name="kind of file",
            ),
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="query",
            field=models.CharField(blank=True, max_length=2000, verbose_name="filters"),
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="time_zone",
            field=models.CharField(max_length=64, verbose_name="time zone"),
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="with_phone_numbers",
            field=models.BooleanField(default=False, verbose_name="with phone numbers"),
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Not fetched yet"),
                    ("started", "Under way"),
                    ("finished", "Finished"),
                    ("broken_off", "Broken off"),
                ],
                default="waiting",
                max_length=16,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyexport",
            constraint=models.CheckConstraint(
                condition=models.Q(("rows_are__in", ["people", "calls"])),
                name="history_export_rows_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyexport",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "started", "finished", "broken_off"])),
                name="history_export_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyexport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "started")),
                fields=("user",),
                name="history_export_one_at_a_time",
            ),
        ),
    )
