"""What sealing reads a day by, and when the history was last verified."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("invites", "0010_exports_on_their_way"),)

    operations = (
        migrations.AddIndex(model_name="attempt", index=models.Index(fields=["day"], name="attempt_by_day")),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["day"], name="audit_entry_by_day")
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("finished_at", models.DateTimeField(auto_now_add=True, verbose_name="finished at")),
                ("since", models.DateField(null=True)),
                ("last_day", models.DateField(null=True)),
                ("head", models.BinaryField(max_length=32, null=True)),
                ("days", models.PositiveIntegerField(default=0)),
                ("rows", models.PositiveBigIntegerField(default=0)),
                ("problem", models.CharField(blank=True, max_length=32)),
                ("day", models.DateField(null=True)),
                ("where", models.CharField(blank=True, max_length=100)),
            ],
            options={"verbose_name": "verification of the history", "default_permissions": ("view",)},
        ),
    )
