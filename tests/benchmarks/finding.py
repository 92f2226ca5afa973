"""Address books of a million: what finding somebody costs while one types, and what the book's page costs."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment
from pypinyin import lazy_pinyin

from invites import finding, spelling
from invites.dingtalk.sandbox import SandboxServer
from invites.models import (
    AddressBook,
    App,
    BookChange,
    ChangedContact,
    Conference,
    Contact,
    ContactGroup,
    User,
)
from invites.models.user import Role
from tests.benchmarks.figures import Figure, milliseconds, timed, timed_page

MANY, FEW = 1_000_000, 1_000
GROUPS, IN_GROUPS = 12, 0.3
SEARCHES, SCANS, PAGES = 150, 15, 60

# The commonest surnames and characters of given names, the common ones first.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭"
    "陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建文国志海永春梅林凤晓东雪荣新辉龙飞鹏宇浩凯健俊帆慧莹婷雅欣怡佳琪思雨梦"
    "萱子轩然一诺梓涵诗博天佑"
)
LATIN = (
    (
        "James",
        "Mary",
        "Anna",
        "Andrew",
        "Sophie",
        "Lukas",
        "Maria",
        "Jose",
        "Robin",
        "Olga",
        "Ivan",
        "Nina",
        "Omar",
    ),
    (
        "Smith",
        "Johnson",
        "Mueller",
        "Garcia",
        "Rossi",
        "Novak",
        "Dubois",
        "Jensen",
        "Kowalski",
        "Sato",
        "Quist",
    ),
)
CHINESE = 0.75


def measure(_sandbox: SandboxServer) -> list[Figure]:
    """Fills one book with a million and one with a thousand, and throws both away."""
    owner = User.objects.create_user("of-a-million", role=Role.ORGANIZER)
    app = App.objects.create(
        name="of a million", kind="fixed_token", access_token="x", base_url="http://127.0.0.1:9"
    )
    large, small = (
        AddressBook.objects.create(app=app, owner=owner, name=name) for name in ("a million", "a thousand")
    )
    with connection.cursor() as cursor:
        # Building the index at the end takes a tenth of the time of keeping it up row by row.
        cursor.execute("SELECT pg_get_indexdef('invites_contact_search'::regclass)")
        (index,) = cursor.fetchone()
        cursor.execute("DROP INDEX invites_contact_search")
        fill(large, MANY)
        fill(small, FEW)
        cursor.execute(index)
        cursor.execute("VACUUM ANALYZE")
    # What tests note about every template that is rendered would be measured, too.
    teardown_test_environment()
    try:
        return [*_searches(large), *_typing(owner, large), *_pages(owner, small=small, large=large)]
    finally:
        setup_test_environment()
        _empty()
        owner.delete()


def people(count: int, *, seed: int = 7) -> Iterator[tuple[str, str, str]]:
    """So many people who look real: name, unionId, E.164 number."""
    choose = random.Random(seed)
    weights = [1 / (rank + 3) for rank in range(len(SURNAMES))]
    letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ0123456789"
    for number in range(count):
        if choose.random() < CHINESE:
            given = "".join(choose.choices(GIVEN, k=choose.choice((1, 2, 2))))
            nick = choose.choices(SURNAMES, weights)[0] + given
        else:
            nick = " ".join(map(choose.choice, LATIN)) + f" {number % 1000}"
        # Every number once, and its digits as if by chance.
        digits = f"{choose.choice('35789')}{number * 7919 % 1_000_000_007 % 10**8:08d}"
        yield (
            nick,
            "".join(choose.choices(letters, k=22)) + "iEiE",
            f"+861{'3' if number % 2 else '5'}{digits}",
        )


def fill(book: AddressBook, count: int) -> None:
    """Puts so many people into ``book`` and some of them into groups, the way in which PostgreSQL takes most."""
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY invites_contact (book_id, nick, union_id, phone_number, search_text, refused_code,"
            " do_not_invite_reason, created_at, updated_at) FROM STDIN"
        ) as copy:
            now = book.created_at
            for nick, union_id, number in people(count):
                found_by = spelling.search_text(nick=nick, phone_number=number)
                copy.write_row((book.pk, nick, union_id, number, found_by, "", "", now, now))
        for group in range(GROUPS):
            name = ContactGroup.objects.create(book=book, name=f"Group {group:02d}")
            cursor.execute(
                "INSERT INTO invites_contactgroup_contacts (contactgroup_id, contact_id)"
                " SELECT %s, id FROM invites_contact WHERE book_id = %s AND id %% %s = %s",
                [name.pk, book.pk, round(GROUPS / IN_GROUPS), group],
            )


def _texts() -> dict[str, list[str]]:
    """What people type, by kind, each of it about somebody who is there."""
    choose = random.Random(11)
    some = list(people(20_000))
    chinese = [nick for nick, _, _ in some if not nick.isascii()]
    latin = [nick for nick, _, _ in some if nick.isascii()]
    beginnings = [word[:2].lower() for nick in latin for word in nick.split()[:2]]
    kinds: dict[str, Callable[[], str]] = {
        "two Latin letters": lambda: choose.choice(beginnings),
        "one Chinese character": lambda: choose.choice(choose.choice(chinese)),
        "pinyin initials": lambda: "".join(_read(character)[0] for character in choose.choice(chinese)),
        "last four digits": lambda: choose.choice(some)[2][-4:],
    }
    return {kind: [text_of() for _ in range(SEARCHES)] for kind, text_of in kinds.items()}


def _searches(book: AddressBook) -> Iterator[Figure]:
    for kind, texts in _texts().items():
        ours, scans = [], []
        for number, text in enumerate(texts):
            ours.append(timed(partial(finding.find, Contact.objects.of_book(book), text=text, most=8)))
            if number < SCANS:
                scans.append(timed(partial(_by_icontains, book, text)))
        (median, high), (scan, slow) = milliseconds(ours), milliseconds(scans)
        yield Figure(
            name=f"finding by {kind} among {MANY:,}, 95th percentile",
            value=high,
            at_most=30,
            unit="ms",
            detail=(
                f"(median {median:.1f} ms; icontains {scan:.0f} and {slow:.0f} ms, "
                f"{sum(scans) / len(scans) / (sum(ours) / len(ours)):.1f} × on average)"
            ),
        )


def _typing(user: User, book: AddressBook) -> Iterator[Figure]:
    """The same as whole requests, from the composer and from the book's page."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    conference = Conference.objects.create(
        app=book.app, owner=user, conference_id="of-a-million", status="open"
    )
    texts = [text for some in zip(*_texts().values(), strict=True) for text in some]
    for name, path, parameter, target, most in (
        (
            "the composer's suggestions",
            f"/conferences/{conference.pk}/draft/search/",
            "text",
            "draft_suggestions",
            30,
        ),
        # Its rows show more, with the bar of what can be done with them.
        ("the book's list", f"/books/{book.pk}/", "q", "book_contacts", 40),
    ):
        headers = {"HX-Request": "true", "HX-Target": target}
        took = [timed_page(client, path, {parameter: text}, headers=headers) for text in texts]
        median, high = milliseconds(took[5:])
        yield Figure(
            name=f"{name} while one types, whole requests, 95th percentile",
            value=high,
            at_most=most,
            unit="ms",
            detail=f"(median {median:.1f} ms)",
        )
    conference.delete()


def _by_icontains(book: AddressBook, text: str) -> list[Contact]:
    """What one would write without an index of one's own; it knows no pinyin."""
    found = Q(nick__icontains=text) | Q(union_id__icontains=text) | Q(phone_number__icontains=text)
    return list(Contact.objects.filter(found, book=book).order_by(Lower("nick"), "pk")[:8])


def _pages(user: User, *, small: AddressBook, large: AddressBook) -> Iterator[Figure]:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    for name, query in (("the book's page", {}), ("the book's page, searched", {"q": "王"})):
        times: dict[int, list[float]] = {small.pk: [], large.pk: []}
        # By turns, so that what else the machine does falls on both.
        for turn in range(PAGES):
            for book in (small, large):
                took = timed_page(client, f"/books/{book.pk}/", query)
                if turn:
                    times[book.pk].append(took)
        few, many = (milliseconds(times[book.pk])[0] for book in (small, large))
        yield Figure(
            name=f"{name} with {MANY:,} contacts / with {FEW:,}",
            value=many / few,
            at_most=1.5,
            unit="×",
            detail=f"({many:.1f} ms, {few:.1f} ms)",
        )


@cache
def _read(character: str) -> str:
    return str(lazy_pinyin(character)[0])


def _empty() -> None:
    tables: Sequence[str] = [
        model._meta.db_table
        for model in (
            Contact,
            ContactGroup,
            ContactGroup.contacts.through,
            AddressBook,
            BookChange,
            ChangedContact,
        )
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
