"""What people type about conferences."""

import pytest
from django.http import QueryDict

from invites.forms.conference import PAGE_SIZE, ConferenceFilterForm, ConferenceForm, CoOrganizerForm
from invites.forms.conference_new import CreateConferenceForm, FindConferenceForm, RegisterConferenceForm
from invites.models import App, Conference, User
from invites.models.conference import ConferenceStatus
from tests.factories import AppFactory, ConferenceFactory, UserFactory

pytestmark = pytest.mark.django_db

KEY = "6d0c6f0e-6c1f-4f5c-9f1c-0f1f6b0f3a55"


@pytest.fixture
def only_app() -> App:
    return AppFactory()


class TestTitle:
    @pytest.mark.parametrize("title", ["周会", "🎧" * 50, "مراجعة أسبوعية", "x" * 50, "  padded  "])
    def test_title_of_up_to_50_characters_is_taken(self, title: str) -> None:
        form = ConferenceForm({"title": title}, instance=ConferenceFactory())
        assert form.is_valid(), form.errors
        assert form.cleaned_data["title"] == title.strip()

    @pytest.mark.parametrize(
        ("title", "why"),
        [
            ("", "Enter a title."),
            (" \t ", "Enter a title."),
            ("x" * 51, "at most 50 characters; this one has 51"),
            ("two\nlines", "no line breaks"),
            ("bell\x07", "control characters"),
        ],
    )
    def test_other_titles_are_refused_with_the_reason(self, title: str, why: str) -> None:
        form = ConferenceForm({"title": title}, instance=ConferenceFactory())
        assert why in str(form.errors["title"])

    def test_field_says_its_limit(self) -> None:
        assert 'maxlength="50"' in str(ConferenceForm(instance=ConferenceFactory())["title"])


class TestApp:
    def test_only_app_is_not_asked_for(self, only_app: App, organizer: User) -> None:
        form = FindConferenceForm({"room_code": "1"}, user=organizer)
        assert "app" not in form.fields
        assert form.is_valid()
        assert form.chosen_app == only_app

    def test_one_of_several_apps_must_be_chosen(self, only_app: App, organizer: User) -> None:
        other = AppFactory()
        assert "app" in FindConferenceForm({"room_code": "1"}, user=organizer).errors
        form = FindConferenceForm({"room_code": "1", "app": str(other.pk)}, user=organizer)
        assert form.is_valid()
        assert form.chosen_app == other

    def test_disabled_app_cannot_be_chosen(self, only_app: App, organizer: User) -> None:
        AppFactory()
        disabled = AppFactory(enabled=False)
        assert "app" in FindConferenceForm({"room_code": "1", "app": str(disabled.pk)}, user=organizer).errors

    def test_without_any_app_the_form_says_who_helps(self, organizer: User) -> None:
        form = FindConferenceForm({"room_code": "1"}, user=organizer)
        assert "administrator" in str(form.non_field_errors())


class TestCreateConferenceForm:
    def typed(self, **changed: str) -> dict[str, str]:
        return {"title": "Weekly", "union_id": "operator-1", "key": KEY} | changed

    def test_union_id_is_filled_in_and_folded_once_it_is_known(self, only_app: App) -> None:
        form = CreateConferenceForm(user=UserFactory(union_id="mine"))
        assert form["union_id"].value() == "mine"
        assert form.hides_union_id
        assert not CreateConferenceForm(user=UserFactory(union_id="")).hides_union_id

    @pytest.mark.parametrize("union_id", ["", "   ", "a b", "a\u200bb", "x" * 129])
    def test_union_id_that_cannot_be_one_is_refused_and_unfolded(self, only_app: App, union_id: str) -> None:
        form = CreateConferenceForm(self.typed(union_id=union_id), user=UserFactory(union_id="mine"))
        assert "union_id" in form.errors
        assert not form.hides_union_id

    def test_creator_is_called_unless_they_say_otherwise(self, only_app: App, organizer: User) -> None:
        assert CreateConferenceForm(user=organizer)["invite_caller"].value() is True
        form = CreateConferenceForm(self.typed(), user=organizer)
        assert form.is_valid()
        assert form.cleaned_data["invite_caller"] is False

    def test_each_form_has_a_key_of_its_own(self, only_app: App, organizer: User) -> None:
        keys = {str(CreateConferenceForm(user=organizer)["key"].value()) for _form in range(3)}
        assert len(keys) == 3

    def test_fresh_key_keeps_what_was_typed(self, only_app: App, organizer: User) -> None:
        again = CreateConferenceForm(self.typed(), user=organizer).with_fresh_key()
        assert again["title"].value() == "Weekly"
        assert again["key"].value() != KEY
        assert again.is_valid()


class TestMeetingNumber:
    @pytest.mark.parametrize(
        "typed",
        ["900000101", " 900 000 101 ", "900-000-101", "900–000–101", "９００ ０００ １０１", "900.000.101"],
    )
    def test_blanks_dashes_and_full_width_digits_do_not_matter(
        self, only_app: App, organizer: User, typed: str
    ) -> None:
        form = FindConferenceForm({"room_code": typed}, user=organizer)
        assert form.is_valid(), form.errors
        assert form.cleaned_data["room_code"] == "900000101"

    @pytest.mark.parametrize("typed", ["", "   ", "--", "12a4", "../x", "²³", "9" * 33])
    def test_anything_else_is_refused(self, only_app: App, organizer: User, typed: str) -> None:
        assert "room_code" in FindConferenceForm({"room_code": typed}, user=organizer).errors


class TestConferenceId:
    @pytest.mark.parametrize("conference_id", ["5a9db0c000000000000000a1", "  cafe01  ", "中文", "a+b=c"])
    def test_one_path_segment_is_taken(self, only_app: App, organizer: User, conference_id: str) -> None:
        form = RegisterConferenceForm({"conference_id": conference_id}, user=organizer)
        assert form.is_valid(), form.errors
        assert form.cleaned_data["conference_id"] == conference_id.strip()

    @pytest.mark.parametrize(
        "conference_id",
        [
            "",
            "   ",
            "a/b",
            "../x",
            "..",
            ".",
            "q?x=1",
            "h#frag",
            "a b",
            "a\tb",
            "a\x00b",
            "a\u202eb",
            "x" * 129,
        ],
    )
    def test_anything_else_is_refused(self, only_app: App, organizer: User, conference_id: str) -> None:
        form = RegisterConferenceForm({"conference_id": conference_id}, user=organizer)
        assert "conference_id" in form.errors


class TestCoOrganizerForm:
    def errors(self, conference: Conference, username: str) -> str:
        return str(CoOrganizerForm({"username": username}, conference=conference).errors.get("username", ""))

    def test_another_organizer_is_found(self, other_organizer: User) -> None:
        form = CoOrganizerForm({"username": "other"}, conference=ConferenceFactory())
        assert form.is_valid()
        assert form.co_organizer == other_organizer

    def test_nobody_owner_member_auditor_and_inactive_are_refused(
        self, organizer: User, other_organizer: User, auditor: User
    ) -> None:
        conference = ConferenceFactory(owner=organizer)
        conference.co_organizers.add(other_organizer)
        UserFactory(username="gone", is_active=False)
        assert "Nobody signs in" in self.errors(conference, "ghost")
        assert "theirs already" in self.errors(conference, "organizer")
        assert "co-organizer already" in self.errors(conference, "other")
        assert "not an organizer" in self.errors(conference, "auditor")
        assert "not an organizer" in self.errors(conference, "gone")


class TestConferenceFilterForm:
    def page(self, query: str) -> tuple[list[Conference], str]:
        page = ConferenceFilterForm(QueryDict(query)).page(Conference.objects.all())
        return page.rows, page.after

    def test_pages_show_every_conference_once_open_ones_first(self, organizer: User, only_app: App) -> None:
        for number in range(PAGE_SIZE + 5):
            status = ConferenceStatus.ENDED if number % 2 else ConferenceStatus.OPEN
            ConferenceFactory(owner=organizer, app=only_app, status=status)
        first, after = self.page("")
        second, end = self.page(f"after={after}")
        assert end == ""
        shown = [*first, *second]
        assert {conference.pk for conference in shown} == set(Conference.objects.values_list("pk", flat=True))
        assert len(shown) == PAGE_SIZE + 5
        ended = [conference.has_ended for conference in shown]
        assert ended == sorted(ended)

    def test_search_looks_at_title_number_and_id(self) -> None:
        wanted = ConferenceFactory(title="周会", room_code="900000101", conference_id="cafe01")
        ConferenceFactory()
        for text in ("周", "0101", "CAFE"):
            assert self.page(f"q={text}")[0] == [wanted]

    def test_state_narrows(self) -> None:
        ended = ConferenceFactory(status=ConferenceStatus.ENDED)
        ConferenceFactory()
        assert self.page("state=ended")[0] == [ended]

    @pytest.mark.parametrize(
        "query", ["state=nonsense", "after=x", "after=a.open.1", "after=open.99999999999999999999"]
    )
    def test_values_of_no_use_are_ignored(self, query: str) -> None:
        conference = ConferenceFactory()
        assert self.page(query)[0] == [conference]
