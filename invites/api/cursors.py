"""Where a list goes on, as a text that programs hand back as they got it."""

import base64
import binascii

from django.utils.translation import gettext as _

from invites.api.refusals import Unusable


def wrap(place: str | int | None) -> str | None:
    """``place`` as a cursor; None for no place, which is the end of a list."""
    if place is None or place == "":
        return None
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def unwrap(cursor: str) -> str:
    """The place that `wrap` made ``cursor`` of; "" for the beginning. Raises Unusable for what it never made."""
    try:
        place = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text = place.decode()
    except (binascii.Error, ValueError) as error:
        raise Unusable.at("cursor", _("This is no cursor of ours.")) from error
    if not text.isprintable():
        raise Unusable.at("cursor", _("This is no cursor of ours."))
    return text


def unwrap_key(cursor: str) -> int | None:
    """As `unwrap`, for places that are keys; None for the beginning."""
    text = unwrap(cursor)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004 - a 64-bit key
        raise Unusable.at("cursor", _("This is no cursor of ours."))
    return int(text)
