"""In which language somebody's mail is written, and when it is tried again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("invites", "0012_changes_are_found"),)

    operations = (
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(blank=True, editable=False, max_length=16, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="try_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="weeklymail",
            name="problem",
            field=models.CharField(blank=True, default="", max_length=200),
            preserve_default=False,
        ),
    )
