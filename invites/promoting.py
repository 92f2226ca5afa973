"""Puts an app's next secret in the place of the one that DingTalk does not take any more. Must not call DingTalk."""

import hmac

from django.db import transaction

from invites.auditing import HIDDEN, note_update
from invites.encryption import UndecryptableError, as_stored
from invites.models import App


def promote_next_secret(app_id: int, secret: str) -> bool:
    """Makes ``secret`` the current one of an app, if it still is its next one; returns whether it did.

    Of many processes that find out at the same moment one changes the row; a secret that an administrator enters
    meanwhile is not lost.
    """
    with transaction.atomic():
        app = App.objects.filter(pk=app_id).first()
        if app is None:
            return False
        # As they are stored: each encryption of the same secret is another text.
        stored = as_stored(app, "client_secret", "next_client_secret")
        try:
            if not hmac.compare_digest(app.next_client_secret.encode(), secret.encode()):
                return False
        except UndecryptableError:
            return False
        unchanged = App.objects.filter(pk=app_id, **stored)
        if not unchanged.update(client_secret=stored["next_client_secret"], next_client_secret=""):
            return False
        note_update(app, {"client_secret": (HIDDEN, HIDDEN), "next_client_secret": (HIDDEN, "")})
    return True
