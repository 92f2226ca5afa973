"""Tells Django about this application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitesConfig(AppConfig):
    """The domain: apps, conferences, address books, invitations."""

    name = "invites"
    verbose_name = _("Conference invitations")
