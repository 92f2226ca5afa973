"""How forms look: classes on controls, labels, help and errors that belong together."""

import re

from django import forms
from django.template.loader import render_to_string
from django.utils.html import format_html

from dashboard.rendering import BoundField


class Person(forms.Form):
    nick = forms.CharField(label="Name", help_text="As <b>people</b> know it.", max_length=5)
    note = forms.CharField(widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(choices=[("a", "Internal"), ("b", "Fixed")])
    sharing = forms.ChoiceField(choices=[("private", "Only me"), ("read", "All")], widget=forms.RadioSelect)
    books = forms.MultipleChoiceField(
        choices=[("Own", [("1", "Suppliers")]), ("Shared", [("2", "Guests")])],
        widget=forms.CheckboxSelectMultiple,
    )
    call_me = forms.BooleanField(required=False)
    token = forms.CharField(widget=forms.HiddenInput)
    code = forms.CharField(
        widget=forms.TextInput(attrs={"class": "font-monospace"}), help_text=format_html("<i>{}</i>", "1 & 2")
    )


def group(form: forms.Form, name: str) -> str:
    return str(form[name].as_field_group())


class TestControls:
    """The classes that Tabler expects."""

    def classes(self, name: str, form: forms.Form | None = None) -> str:
        match = re.search(r'<(?:input|select|textarea)[^>]*\sclass="([^"]*)"', str((form or Person())[name]))
        return match[1] if match else ""

    def test_each_kind_of_control_has_its_class(self) -> None:
        assert self.classes("nick") == "form-control"
        assert self.classes("note") == "form-control"
        assert self.classes("kind") == "form-select"
        assert self.classes("call_me") == "form-check-input"
        assert self.classes("token") == ""

    def test_class_of_the_form_stays(self) -> None:
        assert self.classes("code") == "form-control font-monospace"

    def test_wrong_value_is_marked(self) -> None:
        assert self.classes("nick", Person({"nick": "too long"})) == "form-control is-invalid"

    def test_choices_are_boxes_with_their_labels(self) -> None:
        body = str(Person({"sharing": "read"})["sharing"])
        assert body.count('class="form-check-input" type="radio"') == 2
        assert re.search(r'value="read"[^>]*checked', body)
        assert re.search(r'<label class="form-check" for="id_sharing_1">', body)

    def test_groups_of_choices_are_named(self) -> None:
        body = str(Person()["books"])
        assert body.index("Own") < body.index("Suppliers") < body.index("Shared") < body.index("Guests")


class TestFields:
    """A control with its label, help and errors."""

    def test_label_belongs_to_its_control(self) -> None:
        assert '<label class="form-label required" for="id_nick">Name</label>' in group(Person(), "nick")

    def test_optional_field_is_not_marked(self) -> None:
        assert '<label class="form-label" for="id_note">' in group(Person(), "note")

    def test_box_stands_before_its_label(self) -> None:
        body = group(Person(), "call_me")
        assert body.index("<input") < body.index("Call me")
        assert body.count("<label") == 1

    def test_choices_stand_under_a_legend(self) -> None:
        body = group(Person(), "sharing")
        assert '<legend class="form-label required">Sharing</legend>' in body
        assert "<fieldset" in body

    def test_help_and_errors_are_read_with_the_control(self) -> None:
        body = group(Person({"nick": "too long", "kind": "a"}), "nick")
        assert 'aria-invalid="true"' in body
        assert 'aria-describedby="id_nick_helptext id_nick_error"' in body
        assert 'id="id_nick_helptext"' in body
        assert 'id="id_nick_error"' in body
        assert 'value="too long"' in body

    def test_help_is_escaped_unless_it_was_made_as_markup(self) -> None:
        assert "As &lt;b&gt;people&lt;/b&gt; know it." in group(Person(), "nick")
        assert "<i>1 &amp; 2</i>" in group(Person(), "code")

    def test_every_form_gets_it(self) -> None:
        assert isinstance(Person()["nick"], BoundField)


class TestErrorSummary:
    """What stands on top of a form that was refused."""

    def summary(self, form: forms.Form) -> str:
        return render_to_string("_form_errors.html", {"form": form})

    def test_it_leads_to_each_wrong_field(self) -> None:
        body = self.summary(Person({"nick": "too long", "kind": "c", "sharing": "c", "books": ["1"]}))
        for target in ("id_nick", "id_kind", "id_sharing_0", "id_code"):
            assert f'href="#{target}"' in body
        assert "id_books" not in body

    def test_it_takes_focus(self) -> None:
        assert re.search(r'tabindex="-1"\s+autofocus', self.summary(Person({})))

    def test_hidden_field_is_told_without_a_link(self) -> None:
        body = self.summary(Person({}))
        assert 'href="#id_token"' not in body
        assert body.count("<li>") == 6

    def test_what_is_wrong_with_the_whole_form_is_escaped(self) -> None:
        form = Person({})
        form.add_error(None, "<b>No</b>")
        assert "<li>&lt;b&gt;No&lt;/b&gt;</li>" in self.summary(form)

    def test_fresh_form_has_none(self) -> None:
        assert not self.summary(Person()).strip()
