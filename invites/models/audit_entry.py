"""What was changed in settings, users, conferences and books, by whom: entries of django-auditlog, kept for good."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, Self

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites import acting, clock, tracing
from invites.models.person import SALT_BYTES, new_salt
from invites.models.timeline import Position, TimelineQuerySet, Way


class Happened(models.IntegerChoices):
    """What happened to a thing: auditlog's actions, in words of ours."""

    ADDED = AbstractLogEntry.Action.CREATE, pgettext_lazy("change on record", "Added")
    CHANGED = AbstractLogEntry.Action.UPDATE, pgettext_lazy("change on record", "Changed")
    DELETED = AbstractLogEntry.Action.DELETE, pgettext_lazy("change on record", "Deleted")
    ACCESSED = AbstractLogEntry.Action.ACCESS, pgettext_lazy("change on record", "Signed in or out")


class _Told(models.Func):
    """What a field was before a change (``place`` 0) or after it (1), written as the indexes of migration 0015 are: a
    parameter in it would keep them from being used.
    """

    output_field = models.TextField()

    def __init__(self, name: str, place: int) -> None:
        super().__init__(F("changes"), told=name, place=place)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        """The text within the document."""
        return self.as_sql(compiler, connection, template="(%(expressions)s #>> '{%(told)s,%(place)s}')")

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **extra_context: Any) -> tuple[str, Any]:
        """The same as SQLite writes it."""
        return self.as_sql(
            compiler, connection, template="json_extract(%(expressions)s, '$.%(told)s[%(place)s]')"
        )


_PLACES: Final = [_Told(field, place) for field in ("union_id", "phone_number") for place in (0, 1)]


class AuditEntryQuerySet(TimelineQuerySet["AuditEntry"]):
    """Queries over audit entries. Those that `in_time` gives can be read along the time as attempts are."""

    def first_day(self) -> date | None:
        """The first day on which there is any; None where there is none."""
        return self.aggregate(first=models.Min("day"))["first"]  # type: ignore[no-any-return]

    def up_to_day(self, day: date) -> Self:
        """Those of ``day`` and earlier."""
        return self.filter(day__lte=day)

    def newest_first(self) -> Self:
        """In the order in which lists show them, with who it was."""
        return self.select_related("actor", "content_type").order_by("-timestamp", "-pk")

    def in_time(self) -> Self:
        """Them with ``started_at``: the moment of each."""
        return self.annotate(started_at=F("timestamp"))

    def at(self, pk: int) -> Position | None:
        """The place of the entry with this key; None where there is none."""
        found = self.filter(pk=pk).in_time().positions().first()
        return Position(*found) if found else None

    def in_order_of_time(self) -> Self:
        """Those of `in_time` with all that is told of them, for reading on from one to the next."""
        return self.select_related("actor", "content_type").in_order(Way.OLDER)

    def places_that_fit(
        self, condition: Q
    ) -> "models.QuerySet[AuditEntry, tuple[datetime, int, bool | None]]":
        """The place of each, and whether it fits ``condition``."""
        fits = models.ExpressionWrapper(condition, output_field=models.BooleanField())
        places: models.QuerySet[AuditEntry, tuple[datetime, int, bool | None]]
        places = self.annotate(fits=fits).values_list("started_at", "pk", "fits")
        return places

    def among(self, pks: Iterable[int]) -> Self:
        """Those with one of these keys."""
        return self.filter(pk__in=list(pks))

    def telling_of(self, value: str) -> Self:
        """Those that say that somebody is, was or became reached by ``value``, and those about neither contacts nor
        users in which it stands anywhere: what was done to books, conferences and settings. Each kind along an index.
        """
        kept = self.filter(digest__isnull=True).order_by()
        found = [
            *(kept.alias(told=place).filter(told=value) for place in _PLACES),
            kept.about_no_person(value),
        ]
        return self.among(pk for entries in found for pk in entries.values_list("pk", flat=True))

    def about_no_person(self, text: str) -> Self:
        """Those about neither contacts nor users in which ``text`` stands anywhere."""
        kinds = ContentType.objects.filter(app_label="invites").exclude(model__in=["contact", "user"])
        documents = ("serialized_data", "changes", "additional_data")
        written = self.alias(**{f"written_{name}": Cast(name, models.TextField()) for name in documents})
        found = Q(object_repr__contains=text) | Q(changes_text__contains=text)
        for name in documents:
            found |= Q(**{f"written_{name}__contains": text})
        return written.filter(found, content_type__in=list(kinds.values_list("pk", flat=True)))

    def about(self, model: type[models.Model], pks: Iterable[int]) -> Self:
        """Those about the rows of ``model`` with these keys."""
        kind = ContentType.objects.get_for_model(model)
        return self.filter(content_type=kind, object_id__in=list(pks), digest__isnull=True)

    def of_files(self, names: Iterable[str]) -> Self:
        """Those of imports of files that are called so."""
        book = ContentType.objects.get_by_natural_key("invites", "addressbook")
        named = self.filter(content_type=book, additional_data__detail__file_name__in=list(names))
        return named.filter(digest__isnull=True)

    def about_people(self, contacts: Iterable[int], *, names: Iterable[str]) -> Self:
        """Those about these contacts, given by their keys, and those of changes of books that name one of ``names``."""
        kind = ContentType.objects.get_by_natural_key
        named = Q(content_type=kind("invites", "addressbook"), additional_data__detail__nick__in=list(names))
        about = Q(content_type=kind("invites", "contact"), object_id__in=list(contacts))
        return self.filter(named | about, digest__isnull=True)


class AuditEntryManager(LogEntryManager.from_queryset(AuditEntryQuerySet)):  # type: ignore[misc]
    """Auditlog's way to make entries, with our queries. Every entry says by itself when, who and in which request."""

    def create(self, **kwargs: Any) -> "AuditEntry":
        """Writes one entry; whoever acts is in it unless ``actor`` names another."""
        entry: AuditEntry = super().create(**_circumstances() | kwargs)
        return entry

    def create_many(self, entries: Iterable[dict[str, Any]]) -> None:
        """Writes many entries, given by their fields, with one statement."""
        shared = _circumstances()
        self.bulk_create([self.model(**shared | fields) for fields in entries])


def _circumstances() -> dict[str, Any]:
    now = timezone.now()
    return {
        "timestamp": now,
        "day": clock.day_of(now),
        "actor": acting.current(),
        "cid": tracing.current(),
    }


class AuditEntry(AbstractLogEntry):
    """One thing that somebody made, changed, deleted or took away as a file: who, when, before and after.

    ``cid`` is the id of the request, as log lines carry it. The database refuses changes (migration 0007).
    """

    # Auditlog would delete or change entries together with what they name.
    content_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # As auditlog's, without the indexes that those below do the work of: many entries are written at once.
    object_pk = models.CharField(max_length=255)
    object_id = models.BigIntegerField(blank=True, null=True)
    action = models.PositiveSmallIntegerField(choices=AbstractLogEntry.Action.choices)
    cid = models.CharField(max_length=255, blank=True, null=True)  # noqa: DJ001 - auditlog's
    timestamp = models.DateTimeField(default=timezone.now)
    day = models.DateField(default=timezone.localdate)
    salt = models.BinaryField(max_length=SALT_BYTES, default=new_salt)
    # What sealed days know of the texts of an entry whose texts were erased.
    digest = models.BinaryField(max_length=32, null=True)

    objects = AuditEntryManager()

    class Meta(AbstractLogEntry.Meta):
        verbose_name = _("change on record")
        verbose_name_plural = _("changes on record")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["day"], name="audit_entry_by_day"),
            models.Index(F("timestamp").desc(), F("id").desc(), name="audit_entry_newest"),
            models.Index("actor", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_actor"),
            models.Index("content_type", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_kind"),
            models.Index("cid", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_request"),
            models.Index(
                "content_type",
                "object_id",
                F("timestamp").desc(),
                F("id").desc(),
                condition=Q(object_id__isnull=False),
                name="audit_entry_of_thing",
            ),
        )
