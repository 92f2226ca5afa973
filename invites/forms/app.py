"""DingTalk apps as administrators set them up. Secrets go in and never come out again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import phonenumbers
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.environment import INTERNATIONAL_HOST, check_base_url
from invites import demo
from invites.connecting import leads_too_far
from invites.errors import DemoIsOpen
from invites.forms.keeping import KeptForm
from invites.models import App
from invites.models.app import REFUSALS, SECRETS, AppKind

# What each kind cannot do without.
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        AppKind.INTERNAL: ("client_id", "client_secret"),
        AppKind.THIRD_PARTY: ("client_id", "client_secret", "auth_corp_id"),
        AppKind.FIXED_TOKEN: ("access_token",),
    }
)
# What it has use for besides. A suite ticket comes by itself where there is a Stream connection.
_OF_EVENTS = ("event_token", "event_aes_key")
USED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        AppKind.INTERNAL: ("next_client_secret", *_OF_EVENTS),
        AppKind.THIRD_PARTY: ("suite_ticket", "next_client_secret", *_OF_EVENTS),
        AppKind.FIXED_TOKEN: (),
    }
)
# What is sent to the host of an app: it is never sent to another one that it was not entered for.
_SENT_TO_HOST = frozenset({"next_client_secret", "suite_ticket"})
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
_STORED = _("One is stored. Leave this empty to keep it.")
_LOST = _("One is stored, but the keys of this server do not open it. Enter it again.")


class SecretField(forms.CharField):
    """A secret to be entered. Its page never shows one, and leaving it empty changes nothing."""

    def __init__(self, *, label: StrOrPromise) -> None:
        widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
        super().__init__(label=label, required=False, max_length=2000, widget=widget)


def check_credential(value: str) -> None:
    """Raises ValidationError for what no credential looks like; nothing at all is none yet."""
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise forms.ValidationError(_("It has a blank or a character that no credential has."))


class CallsForm(KeptForm):
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
        """Quiet hours have a beginning and an end, or there are none; nobody real is within the reach of everybody."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        for field, value, other in (("quiet_from", begins, ends), ("quiet_until", ends, begins)):
            if value is None and other is not None and field not in self.errors:
                self.add_error(field, _("Quiet hours need a beginning and an end."))
        if begins is not None and begins == ends:
            self.add_error("quiet_until", _("Quiet hours must end at another time than they begin."))
        try:
            demo.refuse_real_app(
                kind=cleaned.get("kind", self.instance.kind),
                enabled=cleaned.get("enabled", self.instance.enabled),
            )
        except DemoIsOpen as refusal:
            self.add_error(None, str(refusal))
        return cleaned

    def save(self, commit: bool = True) -> App:
        """Saves the app, which forgets what it has learnt of DingTalk's refusals."""
        self.instance.forget_refusals()
        if not commit or self.instance.pk is None:
            return super().save(commit)  # type: ignore[no-any-return]
        # Nothing else: a worker may have put the next secret in the place of the present one meanwhile.
        self.instance.save(update_fields=self.fields_changed())
        return self.instance

    def fields_changed(self) -> list[str]:
        """The fields of the row that saving changes."""
        return [*(name for name in self._meta.fields or () if name in self.fields), *REFUSALS]

    @property
    def of_calls(self) -> list[forms.BoundField]:
        """The fields that say how the app calls."""
        return [self[name] for name in OF_ITS_CALLS if name in self.fields]

    @property
    def of_access(self) -> list[forms.BoundField]:
        """The others: where the app is, and how to get in."""
        return [self[name] for name in self.fields if name not in OF_ITS_CALLS]

    @property
    def is_wrong_about_calls(self) -> bool:
        """Whether any of those that say how it calls is to be corrected."""
        return any(field.errors for field in self.of_calls)


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
        fields: ClassVar[tuple[str, ...]] = (
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
        self._secrets_changed: list[str] = []
        stored = App.objects.stored_secrets(self.instance.pk)
        self.lost = set(self.instance.lost_secret_fields) if stored else set()
        self.stored = stored - self.lost
        for name in stored:
            if f"new_{name}" in self.fields:
                self.fields[f"new_{name}"].help_text = _LOST if name in self.lost else _STORED

    def clean_base_url(self) -> str:
        """The rules of the environment's host hold for these as well, and it leads into no private network."""
        try:
            host = check_base_url(self.cleaned_data["base_url"], name="The host")
        except ImproperlyConfigured as error:
            raise forms.ValidationError(
                _("Enter an address such as %(example)s. It begins with https:// unless it is this machine."),
                params={"example": INTERNATIONAL_HOST},
            ) from error
        if host != self.instance.base_url and leads_too_far(host):
            raise forms.ValidationError(
                _(
                    "This host is inside a private network or on this machine, where no app is called. Where that is "
                    "meant, set DINGTALK_ALLOW_PRIVATE_HOSTS=1 in the environment of the server."
                )
            )
        return host

    def clean_default_country(self) -> str:
        """Two letters of a country that has phone numbers."""
        country: str = self.cleaned_data["default_country"].upper()
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise forms.ValidationError(_("Enter the two letters of a country, such as CN."))
        return country

    def clean(self) -> dict[str, Any]:
        """Every kind has its credentials, and a secret that is stored goes to no other host."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        moved = self.has_moved
        for name in NEEDED.get(cleaned.get("kind", ""), ()):
            field = f"new_{name}" if name in SECRETS else name
            if cleaned.get(field) or field in self.errors:
                continue
            if name not in self.stored:
                self.add_error(field, _("An app of this kind needs this."))
            elif moved:
                self.add_error(field, _("Enter it again: the app moves to another host."))
        for name in ("client_id", "auth_corp_id", *(f"new_{secret}" for secret in SECRETS)):
            try:
                check_credential(cleaned.get(name) or "")
            except forms.ValidationError as error:
                self.add_error(name, error)
        return cleaned

    @property
    def has_moved(self) -> bool:
        """Whether the app is to be called at another host than so far."""
        before = self.initial.get("base_url") or INTERNATIONAL_HOST
        return bool(self.cleaned_data.get("base_url") != before)

    def save(self, commit: bool = True) -> App:
        """Stores the secrets that were entered, and forgets those that an app of this kind, or the new host, has no
        use for.
        """
        kind = self.cleaned_data["kind"]
        for name in SECRETS:
            if entered := self.cleaned_data.get(f"new_{name}"):
                setattr(self.instance, name, entered)
            elif self._is_of_no_use(name, kind=kind):
                setattr(self.instance, name, "")
            else:
                continue
            self._secrets_changed.append(name)
        if self.cleaned_data.get("new_suite_ticket"):
            self.instance.suite_ticket_at = timezone.now()
            self._secrets_changed.append("suite_ticket_at")
        return super().save(commit)

    def _is_of_no_use(self, name: str, *, kind: str) -> bool:
        """Whether a secret that was not entered is to be forgotten: nobody has use for it, or it must not go there."""
        goes_astray = name in _SENT_TO_HOST and self.has_moved
        return goes_astray or name in self.lost or name not in NEEDED[kind] + USED[kind]

    def fields_changed(self) -> list[str]:
        """And the secrets that were entered or dropped."""
        return [*super().fields_changed(), "kind", *self._secrets_changed]


class AppOfSettingsForm(CallsForm):
    """The environment's app or the sandbox: where it is and how to get in stands in the settings alone."""

    class Meta:
        model = App
        fields: ClassVar = OF_ITS_CALLS
