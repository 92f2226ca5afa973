"""Changes on record may be taken away as a file, too. Files that were ordered before stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invites", "0015_changes_found_by_person"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="historyexport",
            name="history_export_rows_are_known",
        ),
        migrations.AlterField(
            model_name="historyexport",
            name="rows_are",
            field=models.CharField(
                choices=[
                    ("people", "A row for each person of a call"),
                    ("calls", "A row for each call"),
                    ("changes", "A row for each change"),
                ],
                default="people",
                max_length=8,
                verbose_name="rows",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyexport",
            constraint=models.CheckConstraint(
                condition=models.Q(("rows_are__in", ["people", "calls", "changes"])),
                name="history_export_rows_are_known",
            ),
        ),
    ]
