"""People who send through the real pages while everything around them dies, and press again as people do."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from threading import Event

import httpx
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from invites.models import Batch, Conference, Invitation, Invitee, User
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState

PATIENCE = 60.0
PRESSES_AT_ONCE = 20
FEWEST_PEOPLE, MOST_PEOPLE = 10, 50
# Django's masked token may be the secret itself.
CSRF_TOKEN = "t" * 32
ANSWERS = {HTTPStatus.FOUND, HTTPStatus.CONFLICT}


def patiently[Result](act: Callable[[], Result]) -> Result:
    """What ``act`` returns, which is done again where the database was away. It must do no harm twice."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Sender:
    """One person, with one conference. Whoever stands on a list of theirs stands on no other but its repetitions."""

    def __init__(self, number: int, *, user: User, conference: Conference, address: str, seed: int) -> None:
        self.presses = 0
        self.mistakes: list[str] = []
        self._number, self._conference = number, conference
        self._rng = random.Random(f"{seed}-{number}")
        self._lists = count(1)
        signed_in = Client()
        signed_in.force_login(user)
        cookie = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
        self._browser = httpx.Client(
            base_url=address,
            cookies={settings.SESSION_COOKIE_NAME: cookie, settings.CSRF_COOKIE_NAME: CSRF_TOKEN},
            headers={"X-CSRFToken": CSRF_TOKEN},
            timeout=PATIENCE,
        )

    def send_until(self, is_over: Event, *, waiting: int) -> None:
        """Sends one list after the other, as long as no more than ``waiting`` batches wait, until ``is_over``."""
        with self._browser, _closed_connection():
            while not is_over.is_set():
                if patiently(Batch.objects.waiting().count) > waiting:
                    is_over.wait(0.1)
                    continue
                self._send(patiently(self._draft))
                if self._rng.random() < 0.5:
                    self._ask_again()

    def _draft(self) -> Invitation:
        """A list of people whom nobody else invites; the one of before where its press could not be told of."""
        with transaction.atomic():
            draft, _new = Invitation.objects.get_or_create(
                conference=self._conference, state=InvitationState.DRAFT
            )
            if not draft.invitees.exists():
                Invitee.objects.bulk_create(self._people(draft))
        return draft

    def _people(self, draft: Invitation) -> Iterator[Invitee]:
        number, people = next(self._lists), self._rng.randint(FEWEST_PEOPLE, MOST_PEOPLE)
        unknown = self._rng.randrange(people * 4)
        for position in range(people):
            channel, value = Channel.UNION_ID, f"person-{self._number}-{number}-{position}"
            if position == unknown:
                value = f"unknown-{self._number}-{number}"
            elif position % 5 == 4:
                channel, value = Channel.PHONE, f"+86138{self._number:02}{number:04}{position:02}"
            nick = f"Person {position}"
            yield Invitee(invitation=draft, position=position, channel=channel, value=value, nick=nick)

    def _send(self, draft: Invitation) -> None:
        """Presses *Invite*, now and then with twenty hands at once."""
        url = reverse("invites:draft_send", args=[self._conference.pk])
        data = {"draft": str(draft.pk), "revision": str(draft.revision), "confirmed": "yes"}
        self._press(url, data, hands=PRESSES_AT_ONCE if self._rng.random() < 0.2 else 1)
        if patiently(Invitation.objects.drafts().filter(pk=draft.pk).exists):
            raise AssertionError(f"{url} with {data} was answered, and yet nothing was sent")

    def _ask_again(self) -> None:
        """Has those invited once more of whom nothing is known, in any earlier invitation that is over."""
        over = self._conference.invitations.filter(finished_at__isnull=False, repeats=None, repeated_by=None)
        unsure = over.filter(invitees__state=InviteeState.UNKNOWN).distinct()
        if chosen := patiently(lambda: list(unsure.values_list("pk", flat=True)[:5])):
            url = reverse("invites:invitation_again", args=[self._rng.choice(chosen)])
            self._press(url, {"who": "unknown"}, hands=self._rng.choice((1, 3)))

    def _press(self, url: str, data: dict[str, str], *, hands: int) -> None:
        if hands == 1:
            sent = [self._press_until_answered(url, data)]
        else:
            with ThreadPoolExecutor(hands) as pool:
                sent = list(pool.map(lambda _hand: self._press_until_answered(url, data), range(hands)))
        self.presses += hands
        if sum(sent) > 1:
            self.mistakes.append(
                f"{sum(sent)} of {hands} presses of {url} with {data} were told that they had sent it"
            )

    def _press_until_answered(self, url: str, data: dict[str, str]) -> bool:
        """Whether this press was told that it has sent the list; pressed again where no answer came, or a failure."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._browser.post(url, data=data)
            except httpx.TransportError as error:
                what = repr(error)
            else:
                if answer.status_code in ANSWERS:
                    return answer.status_code == HTTPStatus.FOUND
                what = f"{answer.status_code}: {answer.text[:500]}"
            if time.monotonic() > deadline:
                raise AssertionError(f"{url} does not answer: {what}")
            time.sleep(0.2)


@contextmanager
def _closed_connection() -> Iterator[None]:
    """That of this thread, at the end."""
    try:
        yield
    finally:
        connection.close()
