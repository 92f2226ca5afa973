"""Requests with an ``Idempotency-Key``: whatever such a one asks for is done once, however often it comes."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Header, Schema

from invites import deduplicating, limiting, permissions
from invites.api.refusals import Unusable
from invites.api.shape import Out
from invites.errors import DingTalkRefused, InviteError, RequestUnderWay
from invites.models import IdempotentRequest
from invites.models.api_token import KEY_LENGTH

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="A new one for each thing that is to be done, such as a UUID. It is remembered for seven days.",
        pattern=rf"^[!-~]{{1,{KEY_LENGTH}}}$",
        example="6f9b0c1e-5d0b-4c6e-9a27-2f2f0a6f8c11",
    ),
]
REPLAYED = "Idempotent-Replayed"

type Show = Callable[[int], Out]
"""Tells of what was made, by its key, as the user may see it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for, under which ``key``; ``show`` makes the answer."""

    request: HttpRequest
    key: str
    body: Schema
    show: Show

    def claim(self) -> IdempotentRequest:
        """Raises KeyUsedBefore or RequestUnderWay."""
        body = self.body.model_dump_json(by_alias=True)
        return deduplicating.claim(
            user=permissions.organizer(self.request.user),
            key=self.key,
            asked=f"{self.request.method} {self.request.path} {body}",
        )

    def answer(self, claimed: IdempotentRequest, *, is_replayed: bool) -> HttpResponse:
        """What was made, also where that was done by an earlier request."""
        response = JsonResponse(
            self.show(deduplicating.made(claimed)).model_dump(by_alias=True), status=claimed.status
        )
        response[REPLAYED] = "true" if is_replayed else "false"
        return response


def do_once(asked: Asked, act: Callable[[], int], *, counts_as: limiting.Kind | None = None) -> HttpResponse:
    """Lets ``act``, which touches the database alone and returns the key of what it made, be done once.

    What it makes and that it was made stand in one transaction. Whatever it raises has changed nothing, and the key can
    be used again. ``counts_as`` says of what each user may do so much only.
    """
    claimed = asked.claim()
    if claimed.status is not None:
        return asked.answer(claimed, is_replayed=True)
    try:
        if counts_as is not None:
            limiting.spend(claimed.user, counts_as)
        with deduplicating.settling(claimed):
            deduplicating.settle(claimed, status=HTTPStatus.CREATED, made=act())
    except Exception:
        claimed.status = None
        deduplicating.release(claimed)
        raise
    return asked.answer(claimed, is_replayed=False)


def ask_once(asked: Asked, act: Callable[[IdempotentRequest], tuple[int, HTTPStatus]]) -> HttpResponse:
    """As `do_once`, for an ``act`` that asks DingTalk, and that by itself is done once under one claim.

    Where it is not sure whether DingTalk did it, the claim stays, and whoever asks again learns the same.
    """
    claimed = asked.claim()
    if claimed.status is not None:
        return asked.answer(claimed, is_replayed=True)
    try:
        # Each costs a call of the monthly quota.
        limiting.spend(claimed.user, limiting.Kind.LOOKING_UP)
        made, status = act(claimed)
    except (InviteError, Unusable) as refusal:
        if _has_done_nothing(refusal, claimed):
            deduplicating.release(claimed)
        raise
    with deduplicating.settling(claimed):
        deduplicating.settle(claimed, status=status, made=made)
    return asked.answer(claimed, is_replayed=False)


def _has_done_nothing(refusal: InviteError | Unusable, claimed: IdempotentRequest) -> bool:
    """Whether DingTalk has surely not done what was asked for: neither now, nor for the request that had the claim
    before, of which everything but an answer of DingTalk says nothing.
    """
    if isinstance(refusal, DingTalkRefused):
        return not refusal.is_unsure
    return not (claimed.is_taken_over or isinstance(refusal, RequestUnderWay))
