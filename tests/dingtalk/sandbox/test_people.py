"""The demo people: obviously nobody, and nobody's phone."""

from collections import Counter

import phonenumbers
import pytest

from invites.dingtalk.sandbox import (
    DEMO_CONFERENCES,
    DEMO_FORMER_COLLEAGUE,
    DEMO_GUESTS,
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    DemoConference,
    DemoPerson,
    is_demo_value,
)
from invites.dingtalk.sandbox.invitees import is_known_union_id
from invites.dingtalk.sandbox.life import deciding_digit

EVERYBODY = (DEMO_ORGANIZER, *DEMO_PEOPLE, *DEMO_GUESTS)
NUMBERS = [person.phone_number for person in EVERYBODY if person.phone_number]


class TestDemoPeople:
    def test_there_are_forty_with_ids_and_numbers_of_their_own(self) -> None:
        assert len(DEMO_PEOPLE) == 40
        assert max(Counter(person.union_id for person in EVERYBODY if person.union_id).values()) == 1
        assert max(Counter(NUMBERS).values()) == 1

    @pytest.mark.parametrize("number", NUMBERS)
    def test_every_number_passes_a_check_and_belongs_to_the_sandbox(self, number: str) -> None:
        parsed = phonenumbers.parse(number, None)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number
        assert is_demo_value(number)

    @pytest.mark.parametrize("number", [number for number in NUMBERS if number.startswith("+86")])
    def test_a_chinese_number_is_a_local_one_with_a_trunk_prefix_where_a_subscriber_has_2_to_8(
        self, number: str
    ) -> None:
        national = phonenumbers.national_significant_number(phonenumbers.parse(number, None))
        assert (national[:2], national[2], len(national)) == ("10", "0", 10)

    def test_all_ways_to_answer_a_call_are_among_them(self) -> None:
        assert {deciding_digit(person.union_id) for person in DEMO_PEOPLE} == set(range(10))

    def test_a_persons_number_and_id_decide_alike(self) -> None:
        for person in DEMO_PEOPLE:
            if person.phone_number:
                assert deciding_digit(person.phone_number) == deciding_digit(person.union_id)

    def test_the_former_colleague_is_a_demo_person_whom_nobody_knows(self) -> None:
        assert is_demo_value(DEMO_FORMER_COLLEAGUE.union_id)
        assert not is_known_union_id(DEMO_FORMER_COLLEAGUE.union_id)

    def test_guests_have_no_id(self) -> None:
        assert {guest.union_id for guest in DEMO_GUESTS} == {""}


class TestDemoValues:
    @pytest.mark.parametrize("person", [DEMO_ORGANIZER, *DEMO_PEOPLE, DEMO_FORMER_COLLEAGUE])
    def test_demo_ids_are_demo_values(self, person: DemoPerson) -> None:
        assert is_demo_value(person.union_id)

    @pytest.mark.parametrize("demo", DEMO_CONFERENCES)
    def test_demo_conferences_are_demo_values(self, demo: DemoConference) -> None:
        assert is_demo_value(demo.conference_id)

    @pytest.mark.parametrize(
        "value", ["", "qzR1-sandbox-", "+86138", "+86102", "+44207", "+1202555", "607452e01401526ee39609e1"]
    )
    def test_what_could_be_somebody_is_none(self, value: str) -> None:
        assert not is_demo_value(value)


class TestDemoConferences:
    def test_they_are_of_every_kind_that_the_interface_must_find(self) -> None:
        running = [demo for demo in DEMO_CONFERENCES if demo.lasted_minutes is None]
        own = [demo for demo in running if demo.creator == DEMO_ORGANIZER.union_id]
        assert any(demo.registered for demo in own)
        assert any(not demo.registered for demo in own)
        assert any(demo.creator != DEMO_ORGANIZER.union_id for demo in running)
        assert len(running) < len(DEMO_CONFERENCES)

    def test_ids_are_hexadecimal_and_room_codes_are_numbers(self) -> None:
        assert all(len(bytes.fromhex(demo.conference_id)) == 12 for demo in DEMO_CONFERENCES)
        assert len({demo.room_code for demo in DEMO_CONFERENCES if demo.room_code.isdigit()}) == 4
