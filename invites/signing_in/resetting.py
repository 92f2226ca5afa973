"""Sends the link with which somebody who has forgotten their password chooses another."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.http import int_to_base36
from django.utils.translation import gettext as _

from invites.models import User

logger = logging.getLogger(__name__)


def send_link(user_id: int, *, language: str) -> None:
    """Sends it in ``language``. Where the mail server does not take it, the person asks again.

    The token is made here and not where somebody asked: what waits to be done stands in the database, and a token there
    would open the account to whoever reads it.
    """
    user = User.objects.get(pk=user_id)
    if not (user.is_active and user.email and user.has_usable_password()):
        return
    try:
        message_to(user, language=language).send()
    except (SMTPException, OSError) as error:
        logger.warning("The password link for user %s could not be sent: %s", user.pk, type(error).__name__)
        return
    logger.info("The password link was sent to user %s", user.pk)


def message_to(user: User, *, language: str) -> EmailMessage:
    """The mail. Its link leads to SITE_URL, whatever host a request has named: that one anybody can make up."""
    key = {"uidb36": int_to_base36(user.pk), "key": default_token_generator.make_token(user)}
    with translation.override(language):
        context = {
            "name": user.display_name,
            "username": user.username,
            "url": f"{settings.SITE_URL}{reverse('account_reset_password_from_key', kwargs=key)}",
        }
        return EmailMessage(
            subject=_("Conference Invites: a new password"),
            body=render_to_string("mail/password_link.txt", context),
            to=[user.email],
            headers={"Auto-Submitted": "auto-generated"},
        )
