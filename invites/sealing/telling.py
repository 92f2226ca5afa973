"""Lets the head of the chain leave the house: whoever has an earlier head sees whether the past was rewritten."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from invites.models import SealedDay

logger = logging.getLogger("invites.sealing")

# In one language, since nobody in particular reads it.
_TEXT = """\
The history of Conference Invites is sealed up to and including {day}.

Head of the chain: {head}
Key: {key}

Keep this mail. It proves later that nobody has rewritten the history up to that day:

    python manage.py verify_history --head {head}
"""


def tell(day: SealedDay) -> None:
    """Sends the head to whoever HISTORY_MAIL names. One that gets lost is made up for by the next one."""
    if not settings.HISTORY_MAIL:
        return
    message = EmailMessage(
        subject=f"History sealed: {day.day} {day.hex[:16]}",
        body=_TEXT.format(day=day.day, head=day.hex, key=day.key_id),
        to=settings.HISTORY_MAIL,
    )
    try:
        message.send()
    except (SMTPException, OSError):
        logger.exception("The head of %s could not be sent by mail", day.day)
