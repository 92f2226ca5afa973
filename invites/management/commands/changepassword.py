"""Gives somebody another password at the terminal, as Django's command, and ends what the old one has opened."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword

from invites import appointing
from invites.models import User


class Command(changepassword.Command):
    """``python manage.py changepassword``"""

    help = "Gives somebody another password, and ends their sessions and their tokens for programs."

    def handle(self, *args: Any, **options: Any) -> str:
        """As Django's. Raises CommandError where nobody is called so, or no password was typed twice alike."""
        said = super().handle(*args, **options)
        appointing.sign_out(User.objects.get(username=options["username"] or getpass.getuser()))
        return f"{said}. Sessions and tokens for programs are over."
