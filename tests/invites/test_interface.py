"""The tags that every page shares."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone, translation

from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.templatetags.interface import LOOKS, look_of

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def render(template: str, **context: Any) -> str:
    return Template("{% load interface %}" + template).render(Context(context))


class TestIcon:
    """Icons from the sprite."""

    def test_icon_is_decoration(self) -> None:
        body = render('{% icon "phone" %}')
        assert 'href="/static/vendor/tabler-icons/sprite.svg#phone"' in body
        assert 'aria-hidden="true"' in body

    def test_icon_that_stands_alone_has_a_name(self) -> None:
        body = render('{% icon "phone" label=label %}', label='By "phone"')
        assert 'role="img" aria-label="By &quot;phone&quot;"' in body
        assert "aria-hidden" not in body


class TestState:
    """States as badges."""

    @pytest.mark.parametrize(
        ("value", "word", "colour"),
        [
            ("pending", "Waiting", "secondary"),
            ("sending", "Calling DingTalk", "blue"),
            ("invited", "Invited", "azure"),
            ("failed", "Not invited", "red"),
            ("unknown", "Unknown", "yellow"),
            ("skipped", "Left out", "secondary"),
            ("started", "Under way", "blue"),
            ("succeeded", "Succeeded", "azure"),
            ("calling", "Ringing", "blue"),
            ("joined", "Joined", "green"),
            ("declined", "Did not join", "orange"),
            ("left", "Left", "secondary"),
            ("removed", "Removed", "secondary"),
            ("not_known", "Not known", "secondary"),
            ("scheduled", "Scheduled", "secondary"),
            ("paused", "Paused", "yellow"),
            ("cancelled", "Cancelled", "secondary"),
            ("open", "Open", "green"),
            ("ended", "Ended", "secondary"),
        ],
    )
    def test_bare_word_is_shown_with_colour_icon_and_word(self, value: str, word: str, colour: str) -> None:
        body = render("{% state value %}", value=value)
        assert f'class="badge bg-{colour}-lt" data-state="{value}"' in body
        assert "<svg" in body
        assert f"{word}</span>" in body

    @pytest.mark.parametrize(
        ("of", "states"),
        [
            ("invitee", InviteeState),
            ("attempt", AttemptState),
            ("invitation", InvitationState),
            ("batch", BatchState),
            ("conference", ConferenceStatus),
            ("member", Attendance),
        ],
    )
    def test_every_stored_state_has_a_look(self, of: str, states: Any) -> None:
        assert {look.word for look in LOOKS[of].values()} == set(states.labels)
        for state in states:
            assert look_of(state) == look_of(state.value, of=of) == LOOKS[of][state.value]

    @pytest.mark.parametrize(
        ("value", "of", "word"),
        [
            ("failed", "attempt", "Failed"),
            ("failed", "invitee", "Not invited"),
            ("unknown", "conference", "Not known"),
            ("unknown", "attempt", "Unknown"),
            ("sending", "invitation", "Under way"),
        ],
    )
    def test_word_of_two_kinds_is_told_apart(self, value: str, of: str, word: str) -> None:
        assert f"{word}</span>" in render("{% state value of=of %}", value=value, of=of)

    def test_unknown_state_is_a_mistake(self) -> None:
        with pytest.raises(KeyError):
            look_of("nonsense", of="attempt")


class TestWhen:
    """Moments."""

    @pytest.fixture(autouse=True)
    def now(self) -> Iterator[None]:
        with time_machine.travel(NOW, tick=False):
            yield

    @pytest.mark.parametrize(
        ("ago", "words"),
        [
            (timedelta(0), "just now"),
            (timedelta(seconds=59), "just now"),
            (timedelta(seconds=60), "1 min ago"),
            (timedelta(minutes=59, seconds=59), "59 min ago"),
            (timedelta(hours=1), "1 h ago"),
            (timedelta(hours=23, minutes=59), "23 h ago"),
            (-timedelta(seconds=30), "just now"),
            (-timedelta(minutes=5), "in 5 min"),
            (-timedelta(hours=3), "in 3 h"),
        ],
    )
    def test_recent_moment_is_relative(self, ago: timedelta, words: str) -> None:
        body = render("{% when moment %}", moment=NOW - ago)
        assert f">{words}</time>" in body
        assert "data-relative" in body

    def test_exact_time_is_there_for_pointer_and_keyboard(self) -> None:
        with timezone.override("Europe/Berlin"):
            body = render("{% when moment %}", moment=NOW - timedelta(minutes=5))
        assert 'datetime="2026-03-04T11:55:00+00:00"' in body
        assert 'title="March 4, 2026 12:55:00 CET"' in body
        assert 'tabindex="0"' in body

    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_older_moment_is_a_date_in_the_viewers_zone_and_language(self, language: str) -> None:
        with timezone.override("Asia/Shanghai"), translation.override(language):
            body = render("{% when moment %}", moment=NOW - timedelta(hours=24))
        assert {"en": ">March 3, 2026, 8 p.m.</time>", "zh-hans": ">2026年3月3日 20:00</time>"}[
            language
        ] in body
        assert "tabindex" not in body

    def test_no_moment_shows_nothing(self) -> None:
        assert render("{% when moment %}", moment=None) == ""

    def test_in_a_time_line_each_moment_stands_to_the_second(self) -> None:
        with timezone.override("Europe/Berlin"):
            body = render("{% exactly moment %}", moment=NOW - timedelta(seconds=5))
        assert 'title="March 4, 2026 12:59:55 CET">March 4, 2026 12:59:55</time>' in body


class TestReach:
    """How a person is reached."""

    def test_phone_number_is_written_as_at_home(self) -> None:
        assert render('{{ value|phone:"CN" }}', value="+8613800138000") == "138 0013 8000"
        assert render('{{ value|phone:"US" }}', value="+8613800138000") == "+86 138 0013 8000"

    def test_number_is_masked_unless_the_viewer_may_see_it(self) -> None:
        text = '{% reach "+8613800138000" "phone" "CN" %}'
        assert "138 0013 8000" in render(text, may_see_phone_numbers=True)
        for context in ({"may_see_phone_numbers": False}, {}):
            body = render(text, **context)
            assert "+86 •••••••8000" in body
            assert "13800138000" not in body.replace(" ", "")

    def test_union_id_is_shown_as_it_is(self) -> None:
        assert ">a&lt;b<" in render('{% reach value "union_id" "CN" %}', value="a<b")


class TestCopyButton:
    """Copying."""

    def test_it_carries_its_text_and_says_what_it_does(self) -> None:
        body = render("{% copy_button text %}", text='a"b')
        assert 'data-copy="a&quot;b"' in body
        assert 'type="button"' in body
        assert "js-only" in body
        assert ">Copy</span>" in body

    def test_it_may_have_a_name_of_its_own(self) -> None:
        assert ">Copy the link</span>" in render('{% copy_button "x" "Copy the link" %}')
