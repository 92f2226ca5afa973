"""Invitations may come from programs, too. Only the words for it change; the tables stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invites", "0008_people_apps_and_secrets"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="source",
            field=models.CharField(
                choices=[("web", "Web page"), ("command_line", "Command line"), ("api", "HTTP API")],
                default="web",
                max_length=16,
                verbose_name="source",
            ),
        ),
    ]
