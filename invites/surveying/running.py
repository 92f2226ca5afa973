"""Whether the work is being done: workers, what waits for them, and apps through which nobody can be called."""

from datetime import datetime

from django.db.models import Case, F, Min, When
from django_tasks_db.models import DBTaskResult, get_date_max

from invites.dingtalk import codes
from invites.dingtalk.errors import NotAuthorised, TokenUnavailable
from invites.models import Invitation, Worker


def worker_runs() -> bool:
    """Whether any worker has reported lately."""
    return Worker.objects.alive().exists()


def queues_wait_since() -> dict[str, datetime]:
    """Since when the oldest task that is due has been waiting for a worker, in each queue in which any waits."""
    # The engine writes the end of time where a task need not wait.
    due = Case(When(run_after=get_date_max(), then=F("enqueued_at")), default=F("run_after"))
    return dict(DBTaskResult.objects.ready().order_by().values_list("queue_name").annotate(since=Min(due)))


def queue_waits_since() -> datetime | None:
    """Since when the oldest task that is due has been waiting for a worker; None where none waits."""
    return min(queues_wait_since().values(), default=None)


def people_wait_since() -> datetime | None:
    """Since when the first people have been waiting whom a worker might be calling; None where nobody waits."""
    return Invitation.objects.oldest_due()


def lacks_access(code: str) -> bool:
    """Whether an app that is answered with ``code`` lacks a token or a permission."""
    return codes.stands_for(code, NotAuthorised, TokenUnavailable)
