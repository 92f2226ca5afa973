"""Access tokens that DingTalk has given, shared by all processes."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.encryption import EncryptedTextField


class CachedToken(models.Model):
    """An access token shared by all processes, and the lease of whoever fetches the next one.

    ``fingerprint`` is a keyed hash of the credentials, so that other credentials never find this token.
    """

    fingerprint = models.CharField(max_length=64, primary_key=True)
    value = EncryptedTextField(blank=True)
    expires_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("access token")

    def __str__(self) -> str:
        return self.fingerprint[:8]
