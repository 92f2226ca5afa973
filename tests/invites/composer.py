"""What the tests of the composer's pages share: addresses, headers, and what a page has seen."""

import re
from html import unescape

from django.urls import reverse

from invites import sending
from invites.models import (
    Conference,
    Invitation,
    Invitee,
    User,
)
from invites.models.invitee import Channel
from tests.conftest import htmx

UNION_ID = "exxxxxxxxQiE"
NUMBER = "+8613800138000"
CHANGE = htmx("draft_change")
BAR = htmx("draft_bar")
SEARCH = htmx("draft_suggestions")
OPERATOR = htmx("draft_operator")


def at(name: str, conference: Conference, *more: int) -> str:
    return reverse(f"invites:{name}", args=[conference.pk, *more])


def page_of(conference: Conference) -> str:
    return at("conference_detail", conference)


def seen(draft: Invitation) -> dict[str, int]:
    """What a page says of the draft that it shows."""
    draft.refresh_from_db()
    return {"draft": draft.pk, "revision": draft.revision}


def fill(draft: Invitation, people: int, *, start: int = 0) -> None:
    Invitee.objects.bulk_create(
        Invitee(
            invitation=draft,
            position=position,
            channel=Channel.UNION_ID,
            value=f"person-number-{position}",
            nick=f"Person {position}",
        )
        for position in range(start, start + people)
    )


def send(draft: Invitation, user: User) -> None:
    sending.send(invitation=draft, revision=draft.revision, user=user)


def shown_rows(html: str) -> int:
    return len(re.findall(r'<li id="invitee-\d+"', html))


def undo_of(html: str) -> str:
    """The text that the button *Undo* sends."""
    found = re.search(r'name="text" value="([^"]*)"', html)
    assert found
    return unescape(found[1])
