"""The guide says what the sandbox does: no fault, operation or option without its line, no example that fails."""

import json
import re
from pathlib import Path

import pytest

from invites.dingtalk.sandbox import DEMO_CONFERENCES, Fault
from invites.dingtalk.sandbox.replies import SPOILERS
from invites.dingtalk.sandbox.routes import Operation

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"fault '(\{.*\})'", GUIDE)


class TestGuide:
    @pytest.mark.parametrize(
        "name", [*SPOILERS, *Operation, *(demo.conference_id for demo in DEMO_CONFERENCES)]
    )
    def test_every_fault_operation_and_conference_is_named(self, name: str) -> None:
        assert f"`{name}`" in GUIDE

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_every_example_is_accepted(self, example: str) -> None:
        settings = json.loads(example)
        assert Fault.from_record(settings).fault == settings["fault"]

    def test_every_fault_has_an_example(self) -> None:
        shown = {json.loads(example)["fault"].partition(":")[0] for example in EXAMPLES}
        assert shown == {*SPOILERS, "code"}

    def test_the_options_of_the_start_are_accepted(self) -> None:
        options = re.findall(r"--fault ([a-z]\S+[a-z0-9])", GUIDE)
        assert len(options) == 3
        assert {Fault.from_text(option).operation for option in options} == {"invite", "token"}
