"""What needs attention: each with whose move it is and one thing to do. The worst comes first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites import clock, permissions
from invites.dingtalk import codes
from invites.dingtalk.errors import Throttled
from invites.explaining import Explanation, Mover, explain
from invites.models import App, AppCount, Attempt, SealedDay, Worker
from invites.models.conference import ConferenceKeys
from invites.models.contact_import import ImportState
from invites.models.spending import Spending
from invites.permissions import Viewer
from invites.surveying import running

COUNTED_UP_TO = 100
"""From so many on it says “more than”."""

# What a worker has not taken up after so long, it is not about to take up.
_LONG = timedelta(minutes=5)
# Later than that nobody decides any more what is to become of people whose phones may have rung.
_UNRESOLVED_FOR = timedelta(days=7)
# An app that was refused longer ago is not in use.
_REFUSED_LATELY = timedelta(days=7)
_CODES_LOOKED_AT = 50
_UNKNOWN_LOOKED_AT = 500


class Kind(models.TextChoices):
    """What may need attention, the worst first, each with what to do about it."""

    NO_WORKER = "no_worker", _("Start one on the server: python manage.py worker.")
    QUOTA_USED_UP = "quota_used_up", _("Ask DingTalk for more calls, or wait for the next month.")
    TOKEN_FAILS = "token_fails", _("Check the credentials of the app.")
    QUEUE_WAITS = "queue_waits", _("Start more workers, or look into the log of the one that runs.")
    UNKNOWN_ATTEMPTS = (
        "unknown_attempts",
        _("Look at who has joined, then decide whether to invite the others again."),
    )
    EVENTS_SILENT = (
        "events_silent",
        _(
            "See that the listener runs on the server, python manage.py dingtalk_stream, and what its log says. Until "
            "then meetings are read while somebody looks."
        ),
    )
    APP_RESTS = "app_rests", _("If that comes often, let fewer calls leave in a second.")
    THROTTLED = (
        "throttled",
        _("Those calls are repeated. If that comes often, let fewer calls leave in a second."),
    )
    QUOTA_NEARLY_USED_UP = (
        "quota_nearly_used_up",
        _("Invite only those who must come, or ask for more calls."),
    )
    IMPORTS_WAIT = "imports_wait", _("Look at what was read, then confirm or discard it.")
    IMPORT_LOST = "import_lost", _("Import the list again, without whoever asked to be erased.")
    NOT_SEALED = "not_sealed", _("Workers seal days that are over. Look into their log for what keeps them.")


_MOVERS = {
    Kind.UNKNOWN_ATTEMPTS: Mover.YOU,
    Kind.IMPORTS_WAIT: Mover.YOU,
    Kind.IMPORT_LOST: Mover.YOU,
    Kind.APP_RESTS: Mover.NOBODY,
    Kind.THROTTLED: Mover.NOBODY,
}
_GRAVE = {Kind.NO_WORKER, Kind.QUOTA_USED_UP, Kind.TOKEN_FAILS, Kind.QUEUE_WAITS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that needs attention: how many, since or until when, of which app, with which code.

    ``about`` is the key of what the one action leads to, where it leads to one thing.
    """

    kind: Kind
    count: int = 0
    moment: datetime | None = None
    day: date | None = None
    app: str = ""
    explained: Explanation | None = None
    about: int | None = None

    @property
    def is_grave(self) -> bool:
        """Whether nobody, or nobody through one app, is invited meanwhile."""
        return self.kind in _GRAVE

    @property
    def mover(self) -> Mover:
        """Whose move it is."""
        if self.kind == Kind.TOKEN_FAILS and self.explained is not None:
            return self.explained.mover
        return _MOVERS.get(self.kind, Mover.ADMINISTRATOR)

    @property
    def action(self) -> StrOrPromise:
        """What to do, in one sentence."""
        if self.kind == Kind.TOKEN_FAILS and self.explained is not None:
            return self.explained.action
        return self.kind.label

    @property
    def is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > COUNTED_UP_TO

    @property
    def counted(self) -> int:
        """How many were counted."""
        return min(self.count, COUNTED_UP_TO)


def concerns(
    user: Viewer, *, conferences: ConferenceKeys | None, spendings: Iterable[Spending]
) -> list[Concern]:
    """What needs the attention of ``user``, who sees these conferences, given by their keys, or all of them (None).

    ``spendings`` is what the apps in use have spent of their quota.
    """
    found = [
        *_work_not_done(),
        *_spent(spendings),
        *_troubled_apps(),
        *_throttled(),
        *_unknown(conferences),
        *_imports(user),
        *(_not_sealed() if permissions.may_read_all_history(user) else ()),
    ]
    order = list(Kind)
    return sorted(found, key=lambda concern: order.index(concern.kind))


def _work_not_done() -> Iterator[Concern]:
    if not running.worker_runs():
        yield Concern(kind=Kind.NO_WORKER, moment=Worker.objects.last_seen_at())
    since = min(filter(None, (running.queue_waits_since(), running.people_wait_since())), default=None)
    if since is not None and timezone.now() - since > _LONG:
        yield Concern(kind=Kind.QUEUE_WAITS, moment=since)


def _spent(spendings: Iterable[Spending]) -> Iterator[Concern]:
    for spending in spendings:
        if kind := _kind_of(spending):
            yield Concern(kind=kind, app=spending.app.name, count=spending.left)


def _kind_of(spending: Spending) -> Kind | None:
    if spending.is_used_up:
        return Kind.QUOTA_USED_UP
    return Kind.QUOTA_NEARLY_USED_UP if spending.is_nearly_used_up else None


def _troubled_apps() -> Iterator[Concern]:
    now = timezone.now()
    newest = Attempt.objects.newest_answered_of_app()
    for app in App.objects.usable().with_last_answer(newest).without_secrets().in_order():
        if app.rests_until is not None and app.rests_until > now:
            yield Concern(kind=Kind.APP_RESTS, app=app.name, moment=app.rests_until)
        if app.is_silent:
            yield Concern(kind=Kind.EVENTS_SILENT, app=app.name, moment=app.stream_seen_at)
        is_recent = app.answered_at is not None and now - app.answered_at < _REFUSED_LATELY
        if is_recent and app.answer_code and running.lacks_access(app.answer_code):
            yield Concern(
                kind=Kind.TOKEN_FAILS,
                app=app.name,
                moment=app.answered_at,
                explained=explain(app.answer_code),
            )


def _throttled() -> Iterator[Concern]:
    today = clock.today()
    counts = AppCount.objects.between(today, today).by_code(_CODES_LOOKED_AT)
    bites = [count for count in counts if codes.stands_for(count.code, Throttled)]
    if bites:
        yield Concern(
            kind=Kind.THROTTLED,
            count=sum(count.attempts for count in bites),
            explained=explain(bites[0].code),
        )


def _unknown(conferences: ConferenceKeys | None) -> Iterator[Concern]:
    if count := count_unresolved(conferences, since=timezone.now() - _UNRESOLVED_FOR):
        yield Concern(kind=Kind.UNKNOWN_ATTEMPTS, count=count)


def count_unresolved(conferences: ConferenceKeys | None, *, since: datetime) -> int:
    """How many calls into these conferences, given by their keys, or all of them (None), have ended without an answer
    since then and are still to be decided upon; counted among the newest, and far enough to say “more than”.
    """
    attempts = Attempt.objects.all() if conferences is None else Attempt.objects.into_any(conferences)
    return attempts.count_unresolved(since=since, limit=_UNKNOWN_LOOKED_AT)


def _imports(user: Viewer) -> Iterator[Concern]:
    told = permissions.imports_to_tell(user).values_list("pk", "state", "finished_at")
    waiting = []
    for pk, state, lost_at in told[: COUNTED_UP_TO + 1]:
        if state == ImportState.DISCARDED:
            yield Concern(kind=Kind.IMPORT_LOST, about=pk, moment=lost_at)
        else:
            waiting.append(pk)
    if waiting:
        yield Concern(kind=Kind.IMPORTS_WAIT, count=len(waiting), about=waiting[0])


def _not_sealed() -> Iterator[Concern]:
    last = SealedDay.objects.last_sealed()
    # Yesterday may still be waited for: a call of its last second, or a worker that is about to seal it.
    day = AppCount.objects.first_day(
        after=last.day if last else None, before=clock.today() - timedelta(days=1)
    )
    if day is not None:
        yield Concern(kind=Kind.NOT_SEALED, day=day)
