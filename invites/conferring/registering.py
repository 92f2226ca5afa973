"""Registers a conference that exists in DingTalk already, under its id, for whoever brings it."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from invites import permissions
from invites.conferring.facts import Facts, facts_of
from invites.connecting import client_for
from invites.dingtalk import ConferenceOver, DingTalkError
from invites.errors import ConferenceTaken, DingTalkRefused
from invites.guarding import refuse_demo_conference
from invites.models import App, Conference, User
from invites.refusing import refusal_of

# With these DingTalk says that there is no such conference. Everything else that it refuses may be cured, and
# an app that may not read conferences may still be allowed to invite into them.
_NO_SUCH_CONFERENCE = frozenset({"roomNotFound", "missingRoomId", "paramError", "paramsError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A conference that ``user`` may use now. ``refusal`` says why DingTalk told nothing about a new one."""

    conference: Conference
    is_new: bool
    refusal: DingTalkRefused | None = None


def register(*, user: User, app: App, conference_id: str, title: str = "") -> Registration:
    """Stores the conference with this id as one of ``user``, unless it is stored already and they may see it.

    ``title`` wins over DingTalk's. Raises ConferenceTaken where somebody else has it, DingTalkRefused where DingTalk
    has no such conference, DemoPersonRefused or AppUnavailable.
    """
    refuse_demo_conference(app=app, conference_id=conference_id)
    known = Conference.objects.of_app(app, conference_ids=[conference_id]).first()
    if known is not None:
        return _shared(known, user=user)
    asked_at = timezone.now()
    facts, refusal = _ask(app, conference_id)
    details = {"owner": user, **(facts or {})} | ({"title": title} if title else {})
    if facts is not None:
        details["status_read_at"] = asked_at
    conference, is_new = Conference.objects.get_or_create(
        app=app, conference_id=conference_id, defaults=details
    )
    if not is_new:
        return _shared(conference, user=user)
    return Registration(conference=conference, is_new=True, refusal=refusal)


def _ask(app: App, conference_id: str) -> tuple[Facts | None, DingTalkRefused | None]:
    """What DingTalk says of a conference, or why it says nothing. Raises DingTalkRefused where there is none."""
    try:
        info = client_for(app).query_conference_info(conference_id=conference_id)
    except ConferenceOver as error:
        raise refusal_of(error) from error
    except DingTalkError as error:
        refusal = refusal_of(error)
        if error.code in _NO_SUCH_CONFERENCE:
            raise refusal from error
        return None, refusal
    return facts_of(info), None


def _shared(conference: Conference, *, user: User) -> Registration:
    """A conference that is stored already, for somebody who may see it. Raises ConferenceTaken for others."""
    refuse_taken(conference, user=user)
    return Registration(conference=conference, is_new=False)


def refuse_taken(conference: Conference, *, user: User) -> None:
    """Raises ConferenceTaken where ``user`` brings a conference that is stored already, and that they may not see."""
    if permissions.conferences(user).contains(conference):
        return
    if conference.owner is None:
        raise ConferenceTaken(
            _(
                "This conference is managed from the command line. Ask an administrator to add you as a co-organizer."
            )
        )
    raise ConferenceTaken(
        _("This conference is already managed by %(name)s. Ask them to add you as a co-organizer.")
        % {"name": conference.owner.display_name}
    )
