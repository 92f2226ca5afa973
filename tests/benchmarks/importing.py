"""Taking in 100,000 contacts from a CSV file, beside django-import-export and a bare COPY, all into the same table.

Every one of them reads the same lines and has the same library judge the numbers. Ours runs in a
process of its own, whose memory is measured.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from django.db import connection
from import_export import resources
from tablib import Dataset

from invites import phone_numbers
from invites.dingtalk.sandbox import SandboxServer
from invites.models import AddressBook, App, Contact, User
from invites.models.user import Role
from tests.benchmarks.figures import Figure, timed
from tests.benchmarks.finding import people

PEOPLE = 100_000
# django-import-export is asked to take in as many as it manages in a while; its rate does not depend on it.
BY_DEFAULT, AT_ITS_FASTEST = 5_000, 20_000
_COPIED = (
    "id",
    "book_id",
    "nick",
    "union_id",
    "phone_number",
    "search_text",
    "refused_code",
    "do_not_invite_reason",
    "added_by_id",
    "created_at",
    "updated_at",
)
ROOT = Path(__file__).resolve().parents[2]


class ByDefault(resources.ModelResource):
    """As its manual begins: somebody is known by book and unionId, and numbers are checked where rows are prepared."""

    class Meta:
        model = Contact
        fields: ClassVar = ("book", "nick", "union_id", "phone_number")
        import_id_fields: ClassVar = ("book", "union_id")

    def before_import_row(self, row: dict[str, Any], **_kwargs: Any) -> None:
        """Checks the number, as ours does."""
        row["phone_number"] = phone_numbers.parse(row["phone_number"], country="CN")


class AtItsFastest(ByDefault):
    """With everything switched on that its manual names for speed: it then knows nobody who is there already."""

    class Meta(ByDefault.Meta):
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        force_init_instance = True


def measure(_sandbox: SandboxServer) -> Iterator[Figure]:
    """Imports the same people in each way, each into a book of its own."""
    owner = User.objects.create_user("of-an-import", role=Role.ORGANIZER)
    app = App.objects.create(
        name="of an import", kind="fixed_token", access_token="x", base_url="http://127.0.0.1:9"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        _write(path)
        alone = _alone(path, _book(app, owner, "ours"))
        default = _rate(
            lambda: _import_export(ByDefault, path, _book(app, owner, "default"), BY_DEFAULT), BY_DEFAULT
        )
        fastest = _rate(
            lambda: _import_export(AtItsFastest, path, _book(app, owner, "fastest"), AT_ITS_FASTEST),
            AT_ITS_FASTEST,
        )
    ours = PEOPLE / (alone["begin"] + alone["read"] + alone["store"])
    copied = _copy(AddressBook.objects.get(name="ours"))
    detail = f"({ours:,.0f} rows a second; {default:,.0f} and {fastest:,.0f})"
    yield Figure(
        name="django-import-export's default / ours",
        value=default / ours,
        at_most=1 / 8,
        unit="×",
        detail=detail,
    )
    yield Figure(
        name="django-import-export at its fastest / ours", value=fastest / ours, at_most=1 / 2, unit="×"
    )
    yield Figure(
        name="storing / a bare COPY into the same indexes",
        value=alone["store"] / copied,
        at_most=2,
        unit="×",
        detail=f"({alone['store']:.1f} s, {copied:.1f} s; keeping the file {alone['begin']:.1f} s, "
        f"reading, checking and comparing {alone['read']:.1f} s)",
    )
    yield Figure(name="memory of the process that imports", value=alone["memory"], at_most=150, unit="MB")
    _empty(owner)


def _write(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["姓名", "unionId", "手机号"])
        # As people write numbers at home.
        rows.writerows(
            [nick, union_id, number.removeprefix("+86")] for nick, union_id, number in people(PEOPLE)
        )


def _book(app: App, owner: User, name: str) -> AddressBook:
    return AddressBook.objects.create(app=app, owner=owner, name=name)


def _alone(path: Path, book: AddressBook) -> dict[str, float]:
    """Our import in a process of its own: seconds of each step, and its memory in MB."""
    environment = os.environ | {"DATABASE_NAME": connection.settings_dict["NAME"]}
    command = [sys.executable, "-m", "tests.benchmarks.importing_alone", str(path), str(book.pk)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    took: dict[str, float] = json.loads(done.stdout)
    if (stored := book.contacts.count()) != PEOPLE:
        raise AssertionError(f"{stored} people were stored")
    return took


def _import_export(resource_class: type[ByDefault], path: Path, book: AddressBook, most: int) -> None:
    with path.open(encoding="utf-8") as file:
        rows = Dataset().load(
            "".join(line for _, line in zip(range(most + 1), file, strict=False)), format="csv"
        )
    rows.headers = ["nick", "union_id", "phone_number"]
    rows.append_col([book.pk] * len(rows), header="book")
    result = resource_class().import_data(rows, raise_errors=True)
    if result.totals["new"] != most:
        raise AssertionError(f"django-import-export took {result.totals}")


def _copy(book: AddressBook) -> float:
    """Seconds of a COPY of the same rows into an empty table that has the same indexes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE copied (LIKE invites_contact INCLUDING ALL)")
        rows = list(book.contacts.order_by("pk").values_list(*_COPIED))
        begun = time.perf_counter()
        with cursor.copy(f"COPY copied ({', '.join(_COPIED)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        took = time.perf_counter() - begun
        cursor.execute("DROP TABLE copied")
    return took


def _rate(act: Callable[[], None], rows: int) -> float:
    return rows / timed(act)


def _empty(owner: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE invites_contact, invites_addressbook CASCADE")
    owner.delete()
