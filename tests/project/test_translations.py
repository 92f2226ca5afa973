"""The judge of the translations finds what it is there to find."""

from collections.abc import Callable
from pathlib import Path

import polib
import pytest

from tests.translations import findings

type Judge = Callable[[dict[str, str], dict[str, str]], list[str]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """What is found where the catalogue holds ``before`` and the code makes ``after`` of it."""

    def write(name: str, texts: dict[str, str]) -> Path:
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
        for text, translation in texts.items():
            flags = ["fuzzy"] if translation.startswith("?") else []
            catalogue.append(polib.POEntry(msgid=text, msgstr=translation, flags=flags))
        catalogue.save(str(tmp_path / name))
        return tmp_path / name

    return lambda before, after: list(findings(write("before.po", before), write("after.po", after)))


class TestFindings:
    """One kind of defect each."""

    def test_complete_catalogue_has_none(self, judge: Judge) -> None:
        same = {"Invite": "邀请", "%(count)s people": "%(count)s 人"}
        assert judge(same, same) == []

    def test_new_text_of_the_code_is_found(self, judge: Judge) -> None:
        assert judge({}, {"Invite": ""}) == ["not in the catalogue: 'Invite'"]

    def test_untranslated_text_is_found(self, judge: Judge) -> None:
        assert judge({"Invite": ""}, {"Invite": ""}) == ["not translated: 'Invite'"]

    def test_guessed_translation_is_found(self, judge: Judge) -> None:
        assert judge({"Invite": "?邀请"}, {"Invite": "?邀请"}) == ["fuzzy: 'Invite'"]

    def test_text_that_the_code_has_lost_is_found(self, judge: Judge) -> None:
        assert judge({"Old": "旧"}, {}) == ["no longer used: 'Old'"]

    @pytest.mark.parametrize("translation", ["人", "%(cuont)s 人", "%(count)s %(more)s 人"])
    def test_other_placeholders_are_found(self, judge: Judge, translation: str) -> None:
        texts = {"%(count)s people": translation}
        assert judge(texts, texts) == [f"other placeholders: '%(count)s people' became '{translation}'"]
