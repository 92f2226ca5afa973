"""The people and conferences of a demonstration, and the credentials of the sandbox that knows them.

Nobody here exists: the names are placeholder names, the ids carry a prefix of our own, and the phone numbers lie in
ranges that no subscriber has. Must stay plain data, so that the product can refuse to send any of it elsewhere.

The phone numbers have to pass a number check and yet reach nobody:

* +86 10 0000 0xxx: Chinese fixed-line subscriber numbers begin with 2 to 8, since 0 is the trunk prefix and 1 and 9
  are service codes; no exchange can carry such a number, though the usual number check accepts the pattern.
* +44 20 7946 0xxx, +1 202 555 01xx, +61 2 5550 xxxx: kept free for drama and fiction by the regulators of the United
  Kingdom (Ofcom), North America (NANPA) and Australia (ACMA).

China publishes no range for fiction, and every mobile prefix that the number check accepts is in use or may come into
use; that is why the Chinese demo numbers are fixed-line ones.
"""

from dataclasses import dataclass
from typing import Final

UNION_ID_PREFIX: Final = "sandbox-"
PHONE_PREFIXES: Final = ("+861000000", "+442079460", "+120255501", "+6125550")

SANDBOX_CLIENT_ID: Final = "sandbox-client-id"
SANDBOX_CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 -- opens nothing but this stand-in
SANDBOX_FIXED_TOKEN: Final = "sandbox-fixed-token"  # noqa: S105 -- likewise
SANDBOX_SUITE_KEY: Final = "sandbox-suite-key"
SANDBOX_SUITE_SECRET: Final = "sandbox-suite-secret"  # noqa: S105 -- likewise
SANDBOX_SUITE_TICKET: Final = "sandbox-suite-ticket"
SANDBOX_CORP_ID: Final = "sandbox-corp-id"
SANDBOX_OTHER_CORP_ID: Final = "sandbox-other-corp-id"


def open_id_of(union_id: str) -> str:
    """The id by which the sandbox's app knows whoever has this unionId."""
    return f"open-{union_id}"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A colleague who exists in the sandbox only. `union_id` is empty for a guest who is reached by phone alone."""

    union_id: str
    nick: str
    phone_number: str | None
    department: str

    @property
    def user_id(self) -> str:
        """The id inside the company, as the contact search answers it."""
        return self.union_id.replace(UNION_ID_PREFIX, "staff-", 1)

    @property
    def open_id(self) -> str:
        """The id by which the sandbox's app knows somebody who has signed in."""
        return open_id_of(self.union_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConference:
    """A conference that the sandbox has from the start.

    `registered` says that the demonstration's own data should know it too; the others are there to be found.
    `started_minutes_ago` counts from the sandbox's first start, `people` are unionIds that were called into it.
    """

    conference_id: str
    room_code: str
    title: str
    creator: str
    started_minutes_ago: int
    lasted_minutes: int | None = None
    registered: bool = False
    people: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


PRODUCT: Final = "Product 产品"
ENGINEERING: Final = "Engineering 研发"
SALES: Final = "Sales 销售"
SUPPORT: Final = "Support 客服"
FINANCE: Final = "Finance 财务"


def _person(number: int, nick: str, department: str, phone_number: str | None) -> DemoPerson:
    return DemoPerson(f"{UNION_ID_PREFIX}person-{number:02}", nick, phone_number, department)


def _beijing(number: int) -> str:
    return f"+8610000000{number:02}"


# The last digit of the unionId, which is also that of the phone number, decides what the person does when called.
DEMO_PEOPLE: Final[tuple[DemoPerson, ...]] = (
    _person(1, "张三", PRODUCT, _beijing(1)),
    _person(2, "李四", PRODUCT, _beijing(2)),
    _person(3, "王五", PRODUCT, _beijing(3)),
    _person(4, "赵六", PRODUCT, _beijing(4)),
    _person(5, "钱七", PRODUCT, _beijing(5)),
    _person(6, "孙八", PRODUCT, _beijing(6)),
    _person(7, "周九", PRODUCT, _beijing(7)),
    _person(8, "吴十", PRODUCT, _beijing(8)),
    _person(9, "郑某某", ENGINEERING, _beijing(9)),
    _person(10, "陈示例", ENGINEERING, _beijing(10)),
    _person(11, "林样本", ENGINEERING, _beijing(11)),
    _person(12, "黄演示", ENGINEERING, _beijing(12)),
    _person(13, "何测试", ENGINEERING, _beijing(13)),
    _person(14, "郭试用", ENGINEERING, _beijing(14)),
    _person(15, "马占位", ENGINEERING, _beijing(15)),
    _person(16, "罗模板", ENGINEERING, _beijing(16)),
    _person(17, "梁草稿", SALES, _beijing(17)),
    _person(18, "宋样例", SALES, _beijing(18)),
    _person(19, "唐练习", SALES, _beijing(19)),
    _person(20, "冯假设", SALES, _beijing(20)),
    _person(21, "Alex Sample", SALES, _beijing(21)),
    _person(22, "Robin Example", SALES, _beijing(22)),
    _person(23, "Sam Placeholder", SALES, _beijing(23)),
    _person(24, "Kim Specimen", SALES, _beijing(24)),
    _person(25, "Zoë Muster", SUPPORT, None),
    _person(26, "José Ejemplo", SUPPORT, None),
    _person(27, "Léa Exemple", SUPPORT, None),
    _person(28, "Åse Prøve", SUPPORT, None),
    _person(29, "Jan Voorbeeld", SUPPORT, None),
    _person(30, "Ola Przykład", SUPPORT, None),
    _person(31, "山田見本", SUPPORT, None),
    _person(32, "김예시", SUPPORT, None),
    _person(33, "Jo Drama", FINANCE, "+442079460033"),
    _person(34, "Max Fiction", FINANCE, "+442079460034"),
    _person(35, "Lee Story", FINANCE, "+442079460035"),
    _person(36, "Pat Novel", FINANCE, "+12025550136"),
    _person(37, "Chris Legend", FINANCE, "+12025550137"),
    _person(38, "Toni Fable", FINANCE, "+12025550138"),
    _person(39, "مثال تجريبي", FINANCE, "+61255500039"),
    _person(40, "Demo 小明 🎧", FINANCE, "+61255500040"),
)
DEMO_ORGANIZER: Final = DemoPerson(
    f"{UNION_ID_PREFIX}organizer-00", "演示组织者 Demo Organizer", _beijing(0), PRODUCT
)
# People without a DingTalk account: a member list names them by nick alone.
DEMO_GUESTS: Final[tuple[DemoPerson, ...]] = (
    DemoPerson("", "客户甲 Guest A", _beijing(61), "Guests 访客"),
    DemoPerson("", "客户乙 Guest B", _beijing(67), "Guests 访客"),
    DemoPerson("", "客户丙 Guest C", "+442079460068", "Guests 访客"),
    DemoPerson("", "客户丁 Guest D", "+12025550169", "Guests 访客"),
)
# Somebody who has left the company: DingTalk no longer knows the id, and a call with it is refused as a whole.
DEMO_FORMER_COLLEAGUE: Final = DemoPerson(
    f"{UNION_ID_PREFIX}unknown-01", "前同事 Former Colleague", None, SALES
)

# Somebody who has DingTalk, but in another company: in no directory, and yet able to sign in to DingTalk.
DEMO_STRANGER: Final = DemoPerson(
    f"{UNION_ID_PREFIX}stranger-01", "外公司人员 Stranger", None, "Another company"
)

DEMO_CONFERENCES: Final[tuple[DemoConference, ...]] = (
    DemoConference(
        conference_id="5a9db0c000000000000000a1",
        room_code="900000101",
        title="Weekly planning · 每周例会",
        creator=DEMO_ORGANIZER.union_id,
        started_minutes_ago=12,
        registered=True,
        people=tuple(person.union_id for person in (DEMO_ORGANIZER, *DEMO_PEOPLE[:9])),
        removed=(DEMO_PEOPLE[5].union_id,),
    ),
    DemoConference(
        conference_id="5a9db0c000000000000000a2",
        room_code="900000102",
        title="Design review · 设计评审",
        creator=DEMO_ORGANIZER.union_id,
        started_minutes_ago=4,
        people=(DEMO_ORGANIZER.union_id, DEMO_PEOPLE[10].union_id),
    ),
    DemoConference(
        conference_id="5a9db0c000000000000000a3",
        room_code="900000103",
        title="Customer call · 客户沟通",
        creator=DEMO_PEOPLE[20].union_id,
        started_minutes_ago=7,
        people=(DEMO_PEOPLE[20].union_id, DEMO_PEOPLE[21].union_id),
    ),
    DemoConference(
        conference_id="5a9db0c000000000000000a4",
        room_code="900000104",
        title="Kick-off · 启动会",
        creator=DEMO_ORGANIZER.union_id,
        started_minutes_ago=26 * 60,
        lasted_minutes=45,
        registered=True,
        people=tuple(person.union_id for person in (DEMO_ORGANIZER, *DEMO_PEOPLE[10:16])),
    ),
)

_EVERYBODY: Final = (DEMO_ORGANIZER, *DEMO_PEOPLE, *DEMO_GUESTS)
_BY_UNION_ID: Final = {person.union_id: person for person in _EVERYBODY if person.union_id}
_BY_PHONE_NUMBER: Final = {person.phone_number: person for person in _EVERYBODY if person.phone_number}
_CONFERENCE_IDS: Final = frozenset(conference.conference_id for conference in DEMO_CONFERENCES)


def is_demo_value(value: str) -> bool:
    """Whether this unionId, phone number (E.164) or conferenceId belongs to the sandbox and to nothing real."""
    return value.startswith((UNION_ID_PREFIX, *PHONE_PREFIXES)) or value in _CONFERENCE_IDS


def demo_person(union_id: str) -> DemoPerson | None:
    """The demo person with this unionId."""
    return _BY_UNION_ID.get(union_id)


def demo_person_by_phone(phone_number: str) -> DemoPerson | None:
    """The demo person or guest with this phone number (E.164)."""
    return _BY_PHONE_NUMBER.get(phone_number)
