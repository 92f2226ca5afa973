"""Sends a sign-up link to whom it is meant for. The token is in the mail and nowhere else."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from invites.models import SignUpLink

logger = logging.getLogger(__name__)


def address_of(token: str) -> str:
    """Where a link with ``token`` leads to: to SITE_URL, whatever host a request has named."""
    return f"{settings.SITE_URL}{reverse('join', args=[token])}"


def send_link(link: SignUpLink, *, token: str) -> bool:
    """Sends ``link`` to the address that it was made for, in the language of the moment; False where nobody took it."""
    context = {"link": link, "url": address_of(token), "by": link.made_by.display_name}
    message = EmailMessage(
        subject=_("Conference Invites: make your account"),
        body=render_to_string("mail/sign_up_link.txt", context),
        to=[link.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        logger.warning("Sign-up link %s could not be sent: %s", link.pk, type(error).__name__)
        return False
    logger.info("Sign-up link %s was sent", link.pk)
    return True
