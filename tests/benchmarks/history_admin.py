"""What a user would have without this product's pages: Django's admin on the same table, in the same run."""

from collections.abc import Iterator

from django.contrib import admin
from django.http import HttpRequest
from django.test import Client
from django.test.utils import override_settings
from django.urls import path

from dashboard.urls import urlpatterns as own
from invites.models import Attempt
from tests.benchmarks.figures import Figure, milliseconds, timed_page
from tests.benchmarks.history_asked import Query, cases
from tests.histories.filling import History

ROUNDS = 10
# At least so many times as fast as the admin.
FIRST_PAGE, NAME, PAIR = 15, 40, 5


class _AttemptAdmin(admin.ModelAdmin[Attempt]):
    """As one would write it: with what a row shows at hand, a filter and a search."""

    list_display = ("id", "conference", "organizer", "state", "error_code", "people", "started_at")
    list_select_related = ("conference", "organizer")
    list_filter = ("state",)
    search_fields = ("invitees__nick",)

    def has_view_permission(self, request: HttpRequest, obj: Attempt | None = None) -> bool:
        """Whoever asks here."""
        return True


_site = admin.AdminSite(name="admin")
_site.register(Attempt, _AttemptAdmin)
urlpatterns = [path("admin/", _site.urls), *own]


def beside_the_admin(history: History) -> Iterator[Figure]:
    """The same questions to both, by turns, so that what else the machine does falls on both."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(history.administrator)
    queries = {case.name: case.queries[:ROUNDS] for case in cases(history.administrator, deep=False)}
    questions = {
        "the first page": (FIRST_PAGE, queries["nothing"], _nothing),
        "a search for a name": (NAME, queries["person"], _name),
        "conference and outcome": (PAIR, queries["conference + outcome"], _pair),
    }
    with override_settings(ROOT_URLCONF=__name__):
        for name, (times, asked, as_admin) in questions.items():
            ours, theirs = [], []
            for query in asked:
                ours.append(timed_page(client, "/history/", query))
                theirs.append(timed_page(client, "/admin/invites/attempt/", as_admin(query)))
            (median, _high), (admins, _slow) = milliseconds(ours[1:]), milliseconds(theirs[1:])
            yield Figure(
                name=f"{name} of {history.attempts:,} attempts / Django's admin",
                value=median / admins,
                at_most=1 / times,
                unit="×",
                detail=f"({median:.1f} ms, {admins:.0f} ms: {admins / median:.0f} × as fast)",
            )


def _nothing(_query: Query) -> Query:
    return {}


def _name(query: Query) -> Query:
    return {"q": query["person"]}


def _pair(query: Query) -> Query:
    return {"conference__id__exact": query["conference"], "state__exact": query["outcome"]}
