"""Follows a conference that is stored: reads again what DingTalk says of it, and ends it."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.conferring.facts import facts_of
from invites.conferring.refusing import refusal_of
from invites.connecting import client_for
from invites.dingtalk import ConferenceOver, DingTalkError
from invites.models import Conference
from invites.models.conference import ConferenceStatus

_MAY_HAVE_ENDED = _("The conference may have ended: refresh it to see what DingTalk says.")


def refresh(*, conference: Conference) -> Conference:
    """Stores what DingTalk says of ``conference`` now, and returns it as it then is.

    Raises DingTalkRefused or AppUnavailable.
    """
    asked_at = timezone.now()
    try:
        info = client_for(conference.app).query_conference_info(conference_id=conference.conference_id)
    except ConferenceOver:
        return _ended(conference)
    except DingTalkError as error:
        raise refusal_of(error) from error
    Conference.objects.note(conference.pk, asked_at=asked_at, **facts_of(info))
    conference.refresh_from_db()
    return conference


def close(*, conference: Conference, union_id: str) -> Conference:
    """Ends ``conference`` for everybody, in the name of ``union_id``, who must be its host.

    One that had ended already is as good. Raises DingTalkRefused or AppUnavailable.
    """
    try:
        client_for(conference.app).close_conference(conference_id=conference.conference_id, union_id=union_id)
    except ConferenceOver:
        return _ended(conference)
    except DingTalkError as error:
        raise refusal_of(error, if_unsure=_MAY_HAVE_ENDED) from error
    return _ended(conference)


def _ended(conference: Conference) -> Conference:
    Conference.objects.note(conference.pk, asked_at=timezone.now(), status=ConferenceStatus.ENDED)
    conference.refresh_from_db()
    return conference
