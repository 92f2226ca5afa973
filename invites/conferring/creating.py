"""Creates a conference: once per press of the form, on record before DingTalk is asked and after it has answered."""

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.conferring.facts import safe_link
from invites.conferring.operator import remember
from invites.connecting import client_for
from invites.dingtalk import CreatedConference, DingTalkError
from invites.errors import CreationUnderWay, DingTalkRefused, FormAlreadyUsed
from invites.explaining import PROCESS_DIED
from invites.guarding import refuse_demo_person
from invites.models import App, Conference, ConferenceCreation, User
from invites.models.conference import ConferenceStatus, CreationState
from invites.refusing import refusal_of, refused

_MAY_EXIST = _(
    "The meeting may have been created: look under “One of my running meetings” before you create another."
)


def create(
    *,
    user: User,
    app: App,
    key: uuid.UUID,
    title: str,
    union_id: str,
    invite_caller: bool = True,
    is_own: bool = True,
) -> Conference:
    """Starts a meeting of ``union_id`` in DingTalk, which calls them too where ``invite_caller``, and stores it.

    ``is_own`` says that this is the unionId of ``user``, as which it is then remembered.
    Under a ``key`` that was used before nothing is asked again: the outcome of that press is this one's as well. The
    conference may be somebody else's, who was quicker to choose it or whom it was handed over to: see `refuse_taken`.
    Raises DingTalkRefused, CreationUnderWay, FormAlreadyUsed, DemoPersonRefused or AppUnavailable.
    """
    refuse_demo_person(app=app, values=[union_id])
    client = client_for(app)
    creation, is_first = ConferenceCreation.objects.get_or_create(
        key=key, defaults={"user": user, "app": app, "title": title}
    )
    if not is_first:
        return _earlier(creation, user=user, app=app, title=title)
    try:
        made = client.create_conference(
            user_id=union_id, conf_title=title, invite_caller=None if invite_caller else False
        )
    except DingTalkError as error:
        creation.state = CreationState.UNKNOWN if error.may_have_rung else CreationState.FAILED
        creation.error_code, creation.error_message = error.code, error.message
        creation.request_id = error.request_id
        creation.save()
        raise refusal_of(error, if_unsure=_MAY_EXIST) from error
    conference = _store(creation, made=made, union_id=union_id)
    if is_own:
        remember(user, union_id)
    return conference


def outcome_of(creation: ConferenceCreation) -> DingTalkRefused | None:
    """Why ``creation`` has no conference, and None where it has one or still waits for DingTalk."""
    if creation.state == CreationState.SUCCEEDED or creation.is_under_way:
        return None
    return refused(
        code=creation.error_code or PROCESS_DIED,
        message=creation.error_message,
        request_id=creation.request_id,
        is_unsure=creation.state != CreationState.FAILED,
        if_unsure=_MAY_EXIST,
    )


def _earlier(creation: ConferenceCreation, *, user: User, app: App, title: str) -> Conference:
    """What came of the press that had this form's key first."""
    if (creation.user_id, creation.app_id, creation.title) != (user.pk, app.pk, title):
        raise FormAlreadyUsed
    if creation.conference is not None:
        return creation.conference
    refusal = outcome_of(creation)
    if refusal is None:
        raise CreationUnderWay
    raise refusal


def _store(creation: ConferenceCreation, *, made: CreatedConference, union_id: str) -> Conference:
    with transaction.atomic():
        # Somebody may have chosen it among their running meetings in the same second.
        conference, _is_new = Conference.objects.get_or_create(
            app=creation.app,
            conference_id=made.conference_id,
            defaults={
                "owner": creation.user,
                "title": creation.title,
                "room_code": made.room_code,
                "external_link_url": safe_link(made.external_link_url),
                "creator_union_id": union_id,
                "status": ConferenceStatus.OPEN,
                "status_read_at": timezone.now(),
            },
        )
        creation.conference = conference
        creation.state = CreationState.SUCCEEDED
        creation.save()
    return conference
