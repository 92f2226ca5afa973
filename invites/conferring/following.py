"""Follows a conference that is stored: reads again what DingTalk says of it, and ends it."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import auditing
from invites.conferring.facts import facts_of
from invites.connecting import client_for
from invites.delivering.stopping import CONFERENCE_CLOSED, leave_out_everybody
from invites.dingtalk import ConferenceOver, DingTalkError
from invites.models import Conference
from invites.models.conference import ConferenceStatus
from invites.refusing import refusal_of

_MAY_HAVE_ENDED = _("The conference may have ended: refresh it to see what DingTalk says.")


def refresh(*, conference: Conference) -> Conference:
    """Stores what DingTalk says of ``conference`` now, and returns it as it then is.

    Raises DingTalkRefused or AppUnavailable.
    """
    asked_at = timezone.now()
    try:
        info = client_for(conference.app).query_conference_info(conference_id=conference.conference_id)
    except ConferenceOver as over:
        return note_end(conference, because=over.code)
    except DingTalkError as error:
        raise refusal_of(error) from error
    facts = facts_of(info)
    # One that ends while DingTalk is asked stays so.
    asked_of = Conference.objects.all() if conference.has_ended else Conference.objects.not_ended()
    asked_of.note(conference.pk, asked_at=asked_at, **facts)
    if facts["status"] == ConferenceStatus.ENDED:
        return note_end(conference, because=CONFERENCE_CLOSED)
    conference.refresh_from_db()
    return conference


def close(*, conference: Conference, union_id: str) -> Conference:
    """Ends ``conference`` for everybody, in the name of ``union_id``, who must be its host.

    One that had ended already is as good. Raises DingTalkRefused or AppUnavailable.
    """
    try:
        client_for(conference.app).close_conference(conference_id=conference.conference_id, union_id=union_id)
    except ConferenceOver as over:
        return note_end(conference, because=over.code)
    except DingTalkError as error:
        raise refusal_of(error, if_unsure=_MAY_HAVE_ENDED) from error
    with transaction.atomic():
        auditing.note_update(conference, {"status": (conference.status, ConferenceStatus.ENDED)})
        return note_end(conference, because=CONFERENCE_CLOSED)


def note_end(conference: Conference, *, because: str) -> Conference:
    """Writes down that ``conference`` is over, and leaves out whoever is still to be called into it.

    ``because`` is DingTalk's code for it. Returns the conference as it then is.
    """
    Conference.objects.note_ended(conference.pk, at=timezone.now())
    leave_out_everybody(conference, because=because)
    conference.refresh_from_db()
    return conference
