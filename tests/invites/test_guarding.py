"""People of the sandbox never reach a real app."""

import pytest

from invites.errors import DemoPersonRefused
from invites.guarding import refuse_demo_person
from invites.models import App
from invites.models.app import AppKind

DEMO = ["sandbox-person-01", "+861000000001", "5a9db0c000000000000000a1"]
REAL = ["", "someone", "+8613800138000"]


class TestRefuseDemoPerson:
    @pytest.mark.parametrize("kind", [kind for kind in AppKind if kind != AppKind.SANDBOX])
    @pytest.mark.parametrize("value", DEMO)
    def test_any_real_app_refuses_whatever_is_of_the_sandbox(self, kind: AppKind, value: str) -> None:
        with pytest.raises(DemoPersonRefused):
            refuse_demo_person(app=App(kind=kind), values=[*REAL, value])

    def test_sandbox_takes_everybody(self) -> None:
        refuse_demo_person(app=App(kind=AppKind.SANDBOX), values=[*DEMO, *REAL])

    def test_real_app_takes_real_people(self) -> None:
        refuse_demo_person(app=App(kind=AppKind.INTERNAL), values=REAL)
