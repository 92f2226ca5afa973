"""Tells Django about this application."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitesConfig(AppConfig):
    """The domain: apps, conferences, address books, invitations."""

    name = "invites"
    verbose_name = _("Conference invitations")

    def ready(self) -> None:
        """Registers the checks, and whatever is to be on record; all of it wants the models."""
        import_module("invites.checks")
        import_module("invites.auditing").register()
        import_module("invites.signing_in.failing").register()
