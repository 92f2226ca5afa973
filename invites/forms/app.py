"""DingTalk apps as administrators set them up. Secrets go in and never come out again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import phonenumbers
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.environment import INTERNATIONAL_HOST, check_base_url
from invites.models import App
from invites.models.app import SECRETS, AppKind

# What each kind cannot do without.
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        AppKind.INTERNAL: ("client_id", "client_secret"),
        AppKind.THIRD_PARTY: ("client_id", "client_secret", "auth_corp_id", "suite_ticket"),
        AppKind.FIXED_TOKEN: ("access_token",),
    }
)
# What every app has, wherever its credentials are.
OF_ITS_CALLS = (
    "batch_size",
    "calls_per_second",
    "monthly_quota",
    "enabled",
    "looks_up_unknown_people",
    "halve_refused_batches",
    "quiet_from",
    "quiet_until",
)


class SecretField(forms.CharField):
    """A secret to be entered. Its page never shows one, and leaving it empty changes nothing."""

    def __init__(self, *, label: StrOrPromise) -> None:
        widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        super().__init__(label=label, required=False, max_length=2000, widget=widget)


class CallsForm(forms.ModelForm):  # type: ignore[type-arg]  # takes one in the stubs only
    """How calls are made through an app. What DingTalk has refused is tried again once somebody saves this."""

    instance: App
    batch_size = forms.IntegerField(
        label=_("People per call"),
        min_value=1,
        max_value=500,
        initial=100,
        help_text=_("Where DingTalk refuses so many, fewer are tried by themselves."),
    )

    def clean(self) -> dict[str, Any]:
        """Quiet hours have a beginning and an end, or there are none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        for field, value, other in (("quiet_from", begins, ends), ("quiet_until", ends, begins)):
            if value is None and other is not None and field not in self.errors:
                self.add_error(field, _("Quiet hours need a beginning and an end."))
        if begins is not None and begins == ends:
            self.add_error("quiet_until", _("Quiet hours must end at another time than they begin."))
        return cleaned

    def save(self, commit: bool = True) -> App:
        """Saves the app, which forgets what it has learnt of DingTalk's refusals."""
        self.instance.forget_refusals()
        return super().save(commit)  # type: ignore[no-any-return]


class AppForm(CallsForm):
    """An app whose credentials are kept here. The fields of secrets are not those of the row: those are not read."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(kind, AppKind(kind).label) for kind in NEEDED], initial=AppKind.INTERNAL
    )
    base_url = forms.CharField(
        label=_("Host"),
        initial=INTERNATIONAL_HOST,
        max_length=200,
        help_text=_(
            "https://api.dingtalk.io for the international edition, https://api.dingtalk.com for the Chinese one."
        ),
    )
    new_client_secret = SecretField(label=_("Client secret or suite secret"))
    new_suite_ticket = SecretField(label=_("Suite ticket"))
    new_access_token = SecretField(label=_("Fixed token"))

    class Meta:
        model = App
        fields = (
            "name",
            "kind",
            "base_url",
            "client_id",
            "auth_corp_id",
            "default_country",
            *OF_ITS_CALLS,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = App.objects.stored_secrets(self.instance.pk)
        for name in self.stored:
            self.fields[f"new_{name}"].help_text = _("One is stored. Leave this empty to keep it.")

    def clean_base_url(self) -> str:
        """The rules of the environment's host hold for these as well."""
        try:
            return check_base_url(self.cleaned_data["base_url"], name="The host")
        except ImproperlyConfigured as error:
            raise forms.ValidationError(
                _("Enter an address such as %(example)s. It begins with https:// unless it is this machine."),
                params={"example": INTERNATIONAL_HOST},
            ) from error

    def clean_default_country(self) -> str:
        """Two letters of a country that has phone numbers."""
        country: str = self.cleaned_data["default_country"].upper()
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise forms.ValidationError(_("Enter the two letters of a country, such as CN."))
        return country

    def clean(self) -> dict[str, Any]:
        """Every kind has its credentials, and a secret that is stored goes to no other host."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        moved = cleaned.get("base_url") != (self.instance.base_url or INTERNATIONAL_HOST)
        for name in NEEDED.get(cleaned.get("kind", ""), ()):
            field = f"new_{name}" if name in SECRETS else name
            if cleaned.get(field) or field in self.errors:
                continue
            if name not in self.stored:
                self.add_error(field, _("An app of this kind needs this."))
            elif moved:
                self.add_error(field, _("Enter it again: the app moves to another host."))
        for name in ("client_id", "auth_corp_id", *(f"new_{secret}" for secret in SECRETS)):
            value = cleaned.get(name, "")
            if value and not (value.isascii() and value.isprintable() and " " not in value):
                self.add_error(name, _("It has a blank or a character that no credential has."))
        return cleaned

    def save(self, commit: bool = True) -> App:
        """Stores the secrets that were entered, and forgets those that an app of this kind has no use for."""
        for name in SECRETS:
            if name not in NEEDED[self.cleaned_data["kind"]]:
                setattr(self.instance, name, "")
            elif entered := self.cleaned_data[f"new_{name}"]:
                setattr(self.instance, name, entered)
        return super().save(commit)


class AppOfSettingsForm(CallsForm):
    """The environment's app or the sandbox: where it is and how to get in stands in the settings alone."""

    class Meta:
        model = App
        fields: ClassVar = OF_ITS_CALLS
