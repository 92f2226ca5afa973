"""DingTalk apps on the pages of administrators, each kind with its own fields. Secrets go in and never come out."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.environment import INTERNATIONAL_HOST
from invites import countries
from invites.dingtalk import CHINESE_HOST
from invites.forms.app import (
    NEEDED,
    OF_ITS_CALLS,
    USED,
    AppForm,
    CallsForm,
    SecretField,
    check_credential,
)
from invites.models import App
from invites.models.app import SECRETS, AppKind, EventMode

# 32 bytes in base64, without the sign that fills it up.
_AES_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}")
_HOST_HELP = _(
    "Needed for another host only, such as a gateway of your company. It begins with https://, unless it is this "
    "machine."
)
_TICKET_HELP = _(
    "DingTalk sends a new one every few hours. Leave this empty if it comes through the Stream connection."
)


def _unused(kind: str) -> list[str]:
    """The fields that no app of ``kind`` has use for."""
    used = NEEDED[kind] + USED[kind]
    every = {name for names in (*NEEDED.values(), *USED.values()) for name in names} - {"next_client_secret"}
    unused = [f"new_{name}" if name in SECRETS else name for name in sorted(every) if name not in used]
    return unused if "event_token" in used else [*unused, "event_mode"]


class Edition(TextChoices):
    """Which DingTalk the app belongs to."""

    INTERNATIONAL = "international", _("International edition (api.dingtalk.io)")
    CHINESE = "chinese", _("Chinese edition (api.dingtalk.com)")
    CUSTOM = "custom", _("Another host")


_HOSTS: Mapping[str, str] = MappingProxyType(
    {Edition.INTERNATIONAL: INTERNATIONAL_HOST, Edition.CHINESE: CHINESE_HOST}
)


_LABELS: Mapping[str, Mapping[str, StrOrPromise]] = MappingProxyType(
    {
        AppKind.INTERNAL: {"client_id": _("Client ID"), "new_client_secret": _("Client secret")},
        AppKind.THIRD_PARTY: {"client_id": _("Suite key"), "new_client_secret": _("Suite secret")},
    }
)


class AppOfKindForm(AppForm):
    """An app of one kind, with the fields that this kind needs and no others. It is switched on and off elsewhere."""

    edition = forms.ChoiceField(label=_("Host"), choices=Edition, widget=forms.RadioSelect)
    default_country = forms.ChoiceField(
        label=_("Country of the phone numbers"),
        choices=countries.choices,
        help_text=_("For numbers without a country code. Numbers with one are read as they are."),
    )
    new_event_token = SecretField(label=_("Token of the callback"))
    new_event_aes_key = SecretField(label=_("AES key of the callback"))
    field_order = ("name", "edition", "base_url", "client_id", "new_client_secret", "auth_corp_id")

    class Meta(AppForm.Meta):
        fields: ClassVar[tuple[str, ...]] = (*AppForm.Meta.fields, "event_mode")

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of_kind = kind
        for name in ("kind", "enabled", *_unused(kind)):
            del self.fields[name]
        for name, label in _LABELS.get(kind, {}).items():
            self.fields[name].label = label
        for name in NEEDED[kind]:
            field = f"new_{name}" if name in SECRETS else name
            self.fields[field].required = name not in self.stored
        self.initial.setdefault("default_country", settings.DINGTALK_DEFAULT_COUNTRY)
        base_url = self.instance.base_url or INTERNATIONAL_HOST
        edition = next((edition for edition, host in _HOSTS.items() if host == base_url), Edition.CUSTOM)
        self.initial["edition"] = edition
        self._shown_host = base_url if edition == Edition.CUSTOM else ""
        custom = self.fields["base_url"]
        custom.required, custom.label, custom.help_text = False, _("Address of the other host"), _HOST_HELP
        if kind == AppKind.THIRD_PARTY and "suite_ticket" not in self.stored:
            self.fields["new_suite_ticket"].help_text = _TICKET_HELP

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """As stored, but for the address of another host, which is empty for an edition of DingTalk."""
        if field_name == "base_url":
            return self._shown_host
        return super().get_initial_for_field(field, field_name)

    def clean_base_url(self) -> str:
        """The host of the edition, or the other one, which then is needed."""
        edition = self.cleaned_data.get("edition", "")
        if edition in _HOSTS:
            return _HOSTS[edition]
        if not self.cleaned_data["base_url"]:
            raise forms.ValidationError(_("Enter the address of the host, or choose an edition of DingTalk."))
        return super().clean_base_url()

    def clean(self) -> dict[str, Any]:
        """Of this kind, whatever else was sent; a callback has what it is read with."""
        self.cleaned_data["kind"] = self.instance.kind = self.of_kind
        cleaned = super().clean()
        if cleaned.get("event_mode") == EventMode.CALLBACK:
            for name in ("event_token", "event_aes_key"):
                if not cleaned.get(f"new_{name}") and name not in self.stored:
                    self.add_error(f"new_{name}", _("A callback needs this."))
        return cleaned

    def clean_new_event_aes_key(self) -> str:
        """As DingTalk makes them."""
        key: str = self.cleaned_data["new_event_aes_key"]
        if key and not _AES_KEY.fullmatch(key):
            raise forms.ValidationError(_("An AES key has 43 letters and digits."))
        return key


class KindForm(forms.Form):
    """Which kind of app is to be added, as the address of the page says; an internal one where it says nothing."""

    kind = forms.ChoiceField(choices=[(kind, AppKind(kind).label) for kind in NEEDED])

    @property
    def chosen(self) -> AppKind:
        """The kind; what is none is passed over."""
        return AppKind(self.cleaned_data["kind"]) if self.is_valid() else AppKind.INTERNAL

    @property
    def offered(self) -> list[tuple[AppKind, bool]]:
        """All kinds that can be added, and which of them is chosen."""
        return [(AppKind(kind), kind == self.chosen) for kind in NEEDED]


class StepForm(forms.Form):
    """How many steps of a test the page knew of that asks for the next one."""

    steps = forms.IntegerField(min_value=0, max_value=100)

    @property
    def done(self) -> int:
        """The number; one that no test has where it is none."""
        return self.cleaned_data["steps"] if self.is_valid() else -1


class NextSecretForm(forms.Form):
    """The secret that an app goes on with once DingTalk does not take the present one any more."""

    next_secret = SecretField(label=_("Next secret"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, app: App) -> None:
        super().__init__(data)
        self.app = app
        self.fields["next_secret"].required = True

    def clean_next_secret(self) -> str:
        """What can be a secret at all."""
        secret: str = self.cleaned_data["next_secret"]
        check_credential(secret)
        return secret

    def keep(self) -> bool:
        """Stores it beside the present one, if it is valid; returns whether it was."""
        if not self.is_valid():
            return False
        self.app.next_client_secret = self.cleaned_data["next_secret"]
        self.app.save(update_fields=["next_client_secret"])
        return True


class CallsOfSettingsForm(CallsForm):
    """The same where the app is switched on and off elsewhere."""

    class Meta:
        model = App
        fields: ClassVar = tuple(name for name in OF_ITS_CALLS if name != "enabled")
