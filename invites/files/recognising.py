"""Finds out which column holds what: by its heading, or else by what its cells look like."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

from django.core.exceptions import ValidationError

from invites import phone_numbers
from invites.characters import is_visible, plain, tidy
from invites.files.formats import Field, Line
from invites.labels import NAME_LABELS, PHONE_LABELS, UNION_ID_LABELS
from invites.likeness import FEWEST_DIGITS, Likeness, likeness

_BRACKETS: Final = re.compile(r"[(（\[【<].*?[)）\]】>]")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"[\d\s().+\-/]+")


def _words(*words: str) -> frozenset[str]:
    return frozenset(map(_folded, words))


def _folded(heading: str) -> str:
    """A heading without capitals, blanks, signs and what stands in brackets, such as ``手机号（必填）``."""
    narrow = unicodedata.normalize("NFKC", heading).casefold()
    return _NOT_A_WORD.sub("", _BRACKETS.sub("", narrow)) or _NOT_A_WORD.sub("", narrow)


_MOBILE: Final = _words(
    *("mobile", "mobile phone", "mobile number", "mobile no", "cell", "cell phone", "cellphone", "handphone"),
    *("手机", "手机号", "手机号码", "移动电话", "移动号码", "手機", "手機號碼", "行動電話"),
)
_HEADINGS: Final[dict[Field, tuple[frozenset[str], ...]]] = {
    # For each field the words that say so, the surest first.
    Field.NICK: (
        _words(
            *NAME_LABELS,
            "contact name",
            "employee name",
            "person",
            "员工姓名",
            "人员姓名",
            "姓名全称",
            "氏名",
        ),
        _words("员工", "人员", "中文名", "称呼", "English name", "英文名", "聯絡人", "名稱"),
    ),
    Field.UNION_ID: (_words(*UNION_ID_LABELS, "用户unionid", "dingtalkid", "钉钉号unionid"),),
    Field.PHONE_NUMBER: (
        _MOBILE,
        _words(
            *PHONE_LABELS,
            "phone no",
            "contact number",
            "phone 1 - value",
            "号码",
            "電話",
            "電話番号",
            "聯絡電話",
        ),
        _words(
            "work phone",
            "business phone",
            "office phone",
            "home phone",
            "座机",
            "固定电话",
            "办公电话",
            "家庭电话",
        ),
    ),
    Field.GROUPS: (
        _words("groups", "group", "分组", "组", "组别", "群组", "所属分组", "分組", "群組"),
        _words(
            "tags",
            "tag",
            "labels",
            "label",
            "categories",
            "category",
            "group membership",
            "标签",
            "类别",
            "分类",
        ),
        _words("department", "departments", "dept", "team", "部门", "所属部门", "团队", "小组", "部門"),
    ),
    Field.DO_NOT_INVITE: (_words("doNotInvite", "do not invite", "不邀请", "请勿邀请", "免打扰"),),
    Field.DO_NOT_INVITE_UNTIL: (
        _words("doNotInviteUntil", "do not invite until", "不邀请至", "请勿邀请至", "不邀请截止日期"),
    ),
}
# Headings that are known and mean nothing to us; their cells are not to be taken for a phone number or a unionId.
_OTHER: Final = _words(
    *("no", "no.", "#", "id", "index", "email", "e-mail", "mail", "address", "notes", "note", "remark"),
    *(
        "remarks",
        "comment",
        "title",
        "position",
        "job title",
        "company",
        "organization",
        "birthday",
        "date",
        "fax",
    ),
    *(
        "gender",
        "sex",
        "age",
        "employee id",
        "employee no",
        "userid",
        "user id",
        "openid",
        "staff id",
        "wechat",
    ),
    *("first name", "last name", "given name", "family name", "qq", "city", "country", "what is wrong"),
    *(
        "序号",
        "编号",
        "工号",
        "员工号",
        "员工工号",
        "员工userid",
        "邮箱",
        "电子邮箱",
        "邮件",
        "地址",
        "备注",
        "说明",
    ),
    *(
        "职位",
        "职务",
        "公司",
        "单位",
        "生日",
        "出生日期",
        "入职时间",
        "入职日期",
        "传真",
        "性别",
        "年龄",
        "身份证",
    ),
    *(
        "身份证号",
        "身份证号码",
        "微信",
        "微信号",
        "主管",
        "直属主管",
        "姓",
        "名",
        "城市",
        "国家",
        "学号",
        "问题所在",
    ),
)
# These say nothing of what stands beneath, which may be a phone number.
_VAGUE: Final = _words("number", "contact", "value", "数据")
_KNOWN: Final = _OTHER.union(*(words for ranks in _HEADINGS.values() for words in ranks))


def are_headings(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the cells of the ``first`` line name columns and are nobody's, as far as the ``others`` let one see."""
    if any(_folded(cell) in _KNOWN | _VAGUE for cell in first if cell):
        return True
    if any(_looks_like_a_number(cell) or likeness(plain(cell)) >= Likeness.LIKELY for cell in first):
        return False
    columns = [[row[at] for row in others if at < len(row) and row[at]] for at in range(len(first))]
    return any(
        heading and cells and sum(map(_looks_like_a_number, cells)) * 2 > len(cells)
        for heading, cells in zip(first, columns, strict=True)
    )


def recognise(headings: Sequence[str], sample: Sequence[Line], *, country: str) -> list[Field | None]:
    """The field that each column holds, each field at most once; None for a column that is of no use.

    ``headings`` has one entry a column, "" where there is none; numbers are read as people in ``country`` write them.
    """
    folded = [_folded(heading) for heading in headings]
    columns: list[Field | None] = [None] * len(folded)
    for field, ranks in _HEADINGS.items():
        at = next((folded.index(word) for words in ranks for word in folded if word and word in words), None)
        if at is not None:
            columns[at] = field
    judges: list[tuple[Field, Callable[[str], bool]]] = [
        (Field.PHONE_NUMBER, lambda cell: _is_phone_number(cell, country=country)),
        (Field.UNION_ID, lambda cell: likeness(plain(cell)) >= Likeness.LIKELY),
    ]
    if not any(headings):
        judges.append((Field.NICK, _may_be_a_name))
    for field, judge in judges:
        free = [at for at, word in enumerate(folded) if columns[at] is None and not (word and word in _KNOWN)]
        if field not in columns and (at := _best_column(free, sample, judge)) is not None:
            columns[at] = field
    return columns


def _best_column(free: list[int], sample: Sequence[Line], judge: Callable[[str], bool]) -> int | None:
    """The first of the columns ``free`` in which the judge accepts most cells, and more than half."""
    best, most = None, 0.5
    for at in free:
        cells = [line.cells[at] for line in sample if at < len(line.cells) and line.cells[at]]
        share = sum(map(judge, cells)) / len(cells) if cells else 0.0
        if share > most:
            best, most = at, share
    return best


def _is_phone_number(cell: str, *, country: str) -> bool:
    if not _looks_like_a_number(cell):
        return False
    try:
        phone_numbers.parse(plain(cell), country=country)
    except ValidationError:
        return False
    return True


def _looks_like_a_number(cell: str) -> bool:
    narrow = plain(cell)
    return bool(_NUMBER.fullmatch(narrow)) and sum(map(str.isdecimal, narrow)) >= FEWEST_DIGITS


def _may_be_a_name(cell: str) -> bool:
    return "@" not in cell and is_visible(tidy(cell)) and not any(map(str.isdecimal, cell))
