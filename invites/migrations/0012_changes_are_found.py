"""What finds changes on record by the request that made them, and by the one thing that they are about."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = (("invites", "0011_seals"),)

    operations = (
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index("cid", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_request"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                F("content_type"),
                F("object_id"),
                F("timestamp").desc(),
                F("id").desc(),
                condition=Q(object_id__isnull=False),
                name="audit_entry_of_thing",
            ),
        ),
    )
