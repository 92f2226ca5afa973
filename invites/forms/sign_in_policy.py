"""How people sign in: what administrators decide about it for everybody."""

from typing import Any, ClassVar

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from invites import securing
from invites.forms.keeping import KeepingForm
from invites.models import App, SignInPolicy, User
from invites.models.sign_in_policy import SignUp
from invites.models.user import Role

_MOST_COMPANIES, _CORP_ID_LENGTH = 50, 128
# Nobody becomes an administrator by signing up.
_MODEST = [(role.value, role.label) for role in (Role.ORGANIZER, Role.AUDITOR)]


def _named(role: StrOrPromise, people: int) -> str:
    """A role, and how many in it would have to set up a second factor."""
    if not people:
        return str(role)
    words = ngettext("%(role)s: %(n)s person has none yet", "%(role)s: %(n)s people have none yet", people)
    return words % {"role": role, "n": intcomma(people)}


class SignInPolicyForm(KeepingForm[SignInPolicy]):
    """Through which app people sign in, who may sign up, and who needs a second factor, as ``by`` decides it."""

    corp_ids = forms.CharField(
        label=_("Corp ids of the company, one per line"),
        required=False,
        max_length=_MOST_COMPANIES * (_CORP_ID_LENGTH + 2),
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "class": "font-monospace"}),
        help_text=_(
            "Only who signs in with DingTalk for one of these companies may sign up. DingTalk's console shows a "
            "company's corpId on its first page."
        ),
    )
    second_factor_roles = forms.MultipleChoiceField(
        label=_("Roles that need a second factor"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Whoever has such a role and signs in with a password can do nothing else before they have set up a code "
            "from an app or a passkey. DingTalk asks for its own: who signs in with it is not asked here."
        ),
    )

    class Meta:
        model = SignInPolicy
        fields = ("app", "sign_up", "corp_ids", "role", "second_factor_roles")
        widgets: ClassVar = {"sign_up": forms.RadioSelect, "role": forms.RadioSelect}
        help_texts: ClassVar = {
            "app": _(
                "People then find “Sign in with DingTalk” on the sign-in page. The app needs this site's address "
                "among its redirect addresses in DingTalk's console."
            ),
            "sign_up": _("Whoever has an account already keeps it, whatever is chosen here."),
            "role": _("For everybody of the company who signs up. A sign-up link has a role of its own."),
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        apps: Any = self.fields["app"]
        apps.queryset = App.objects.who_may_sign_people_in(chosen=self.instance.app_id)
        apps.empty_label = _("None: people sign in with a password only")
        self.fields["sign_up"].choices = SignUp.choices  # type: ignore[attr-defined]  # without "---------"
        self.fields["role"].choices = _MODEST  # type: ignore[attr-defined]
        without = securing.count_without_factor()
        self.fields["second_factor_roles"].choices = [  # type: ignore[attr-defined]
            (role, _named(label, without.get(role, 0))) for role, label in Role.choices
        ]
        self.initial["corp_ids"] = "\n".join(self.instance.corp_ids)

    def clean_app(self) -> App | None:
        """The app. Nobody takes away their own only way in."""
        app: App | None = self.cleaned_data["app"]
        if app is None and "app" in self.changed_data and not self.by.has_usable_password():
            raise ValidationError(
                _("You sign in with DingTalk alone. Set a password on the page “Security” first."),
                code="only_way_in",
            )
        return app

    def clean_corp_ids(self) -> list[str]:
        """The lines that are not empty, each once."""
        lines = [line.strip() for line in self.cleaned_data["corp_ids"].splitlines()]
        found = list(dict.fromkeys(line for line in lines if line))
        for corp_id in found:
            if len(corp_id) > _CORP_ID_LENGTH or not (corp_id.isascii() and corp_id.isalnum()):
                raise ValidationError(
                    _(
                        "“%(line)s” is no corp id: these are letters and digits, such as ding1234567890abcdef."
                    ),
                    code="invalid",
                    params={"line": corp_id[:40]},
                )
        if len(found) > _MOST_COMPANIES:
            raise ValidationError(_("There can be at most 50 corp ids."), code="too_many")
        return found

    def clean(self) -> dict[str, Any]:
        """The company signs up through an app, and somebody has to be the company."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("sign_up") == SignUp.COMPANY:
            if cleaned.get("app") is None and "app" not in self.errors:
                self.add_error("app", _("Choose the app: the company signs up with DingTalk."))
            if not cleaned.get("corp_ids") and "corp_ids" not in self.errors:
                self.add_error("corp_ids", _("Enter at least one corp id: without any, nobody can sign up."))
        return cleaned
