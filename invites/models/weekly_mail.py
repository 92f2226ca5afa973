"""The weekly digest by mail: whom it went to for which week."""

from django.db import models

from invites.models.user import User


class WeeklyMail(models.Model):
    """That one person's digest of the week that begins on ``week`` was taken up by a worker: nobody gets it twice."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    week = models.DateField()
    taken_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "week"], name="weekly_mail_once"),)

    def __str__(self) -> str:
        return f"{self.week} {self.user_id}"
