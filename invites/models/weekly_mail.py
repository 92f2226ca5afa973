"""The weekly digest by mail: whom it went to for which week."""

from datetime import date, datetime
from typing import Self

from django.db import models
from django.db.models import F

from invites.models.user import User

MOST_TRIES = 4
PROBLEM_LENGTH = 200


class WeeklyMailQuerySet(models.QuerySet["WeeklyMail"]):
    """Queries over weekly mails."""

    def of_week(self, week: date) -> Self:
        """Those about the week that begins on ``week``."""
        return self.filter(week=week)

    def to(self, users: models.QuerySet[User]) -> Self:
        """Those to any of ``users``."""
        return self.filter(user__in=users)

    def make_for(self, users: models.QuerySet[User], *, week: date, now: datetime) -> None:
        """Puts on record that ``users`` are to get a mail about ``week``: each once, however many workers do this."""
        missing = users.exclude(pk__in=self.of_week(week).values("user"))
        mails = [WeeklyMail(user_id=pk, week=week, try_at=now) for pk in missing.values_list("pk", flat=True)]
        self.bulk_create(mails, ignore_conflicts=True)

    def take(self, now: datetime) -> list[int]:
        """Takes those up that are to be sent at ``now``, and returns their keys; the caller holds the transaction."""
        due = self.filter(try_at__lte=now).order_by("pk")
        taken = [mail.pk for mail in due.select_for_update(skip_locked=True)]
        self.filter(pk__in=taken).update(try_at=None, tries=F("tries") + 1)
        return taken

    def with_user(self) -> Self:
        """With whom each is for."""
        return self.select_related("user")


class WeeklyMail(models.Model):
    """That one person's digest of the week that begins on ``week`` was taken up by a worker: nobody gets it twice.

    ``try_at`` says when it is to be sent, and is gone as soon as somebody tries to: one whose process dies meanwhile
    may have left, and is not sent again. One that could not be sent comes back, at most MOST_TRIES times.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    week = models.DateField()
    taken_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    try_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=PROBLEM_LENGTH, blank=True)

    objects = WeeklyMailQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "week"], name="weekly_mail_once"),)

    def __str__(self) -> str:
        return f"{self.week} {self.user_id}"

    def note_sent(self, at: datetime) -> None:
        """It has been handed to the mail server."""
        self.sent_at, self.problem = at, ""
        self.save(update_fields=["sent_at", "problem"])

    def note_problem(self, problem: str, *, try_at: datetime) -> None:
        """It could not be sent; it is tried again at ``try_at``, unless that has been done often enough."""
        self.problem = problem[:PROBLEM_LENGTH]
        self.try_at = try_at if self.tries < MOST_TRIES else None
        self.save(update_fields=["problem", "try_at"])
