"""What the last test of an app's connection has shown."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.user import User


class AppCheck(models.Model):
    """The last test of an app: one line for each operation that the product needs of DingTalk.

    ``lines`` is a list of objects with ``operation``, ``code`` ("" where all is well) and ``message``, never a token;
    ``of`` are marks of the settings under which the step was taken.
    """

    app = models.OneToOneField(App, on_delete=models.CASCADE, primary_key=True, related_name="check_made")
    checked_at = models.DateTimeField(_("tested at"), default=timezone.now)
    checked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    lines = models.JSONField(default=list)

    class Meta:
        verbose_name = _("test of an app")
        verbose_name_plural = _("tests of apps")

    def __str__(self) -> str:
        return f"{self.app_id}"
