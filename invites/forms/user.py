"""Users as administrators set them up: who they are, what they may do, and what they own."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.forms import SetPasswordMixin, UsernameField
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from invites import appointing
from invites.errors import ChangedMeanwhile, LastAdministrator
from invites.forms.keeping import KeepingForm, SeenForm
from invites.forms.organizer import OrganizerField
from invites.forms.page import page_of
from invites.models import User
from invites.models.contact import validate_union_id
from invites.models.user import Role, UserQuerySet

PAGE_SIZE = 50
_ACTIVE, _BARRED = "active", "barred"


def check_address_is_free(email: str, *, besides: User) -> None:
    """Raises ValidationError where somebody else than ``besides`` has this mail address."""
    if email and User.objects.all().reached_by(email).besides(besides.pk).exists():
        raise ValidationError(_("Somebody else has this mail address."), code="taken")


class UserFilterForm(forms.Form):
    """Narrows the list of users, and says after whom a page begins. It is sent by GET."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": _("Name, mail address or unionId"),
                "autocomplete": "off",
                "data-shortcut": "/",
            }
        ),
    )
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("All roles")), *Role.choices])
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All states")), (_ACTIVE, _("Can sign in")), (_BARRED, _("Cannot sign in"))],
    )
    after = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")

    @property
    def is_narrowing(self) -> bool:
        """Whether anybody in particular is looked for. The form has been validated."""
        return any(self.cleaned_data.get(name) for name in ("q", "role", "state"))

    def page(self, users: UserQuerySet) -> tuple[list[User], int | None]:
        """Those of ``users`` who fit, a page of them, and the key after which the next page begins.

        Values that are of no use are ignored.
        """
        self.is_valid()
        wanted = self.cleaned_data
        rows = users.by_name().matching(wanted.get("q", ""))
        if wanted.get("role"):
            rows = rows.with_role(wanted["role"])
        if wanted.get("state"):
            rows = rows.who_can_sign_in(can=wanted["state"] == _ACTIVE)
        if wanted.get("after"):
            rows = rows.after(wanted["after"])
        return page_of(rows, size=PAGE_SIZE)

    def query(self, *, after: int | None = None) -> str:
        """The query of an address with what is looked for, and a place to begin at."""
        values = {name: self.cleaned_data.get(name, "") for name in ("q", "role", "state")} | {"after": after}
        return urlencode({name: value for name, value in values.items() if value})


class _PersonForm(KeepingForm[User]):
    """What is asked of everybody. A name is one field, since its parts stand in another order in Chinese."""

    class Meta:
        model = User
        fields: ClassVar = (
            "username",
            "first_name",
            "last_name",
            "email",
            "union_id",
            "role",
            "may_see_phone_numbers",
        )
        field_classes: ClassVar = {"username": UsernameField}
        labels: ClassVar = {
            "username": _("Name for signing in"),
            "first_name": pgettext_lazy("person", "Name"),
            "last_name": _("Family name"),
            "email": _("Mail address"),
            "may_see_phone_numbers": _("May see phone numbers"),
        }
        help_texts: ClassVar = {
            "username": _("Letters, digits and @ . + - _ only."),
            "union_id": _(
                "The id by which DingTalk knows this person: the operator of their invitations. They can enter it "
                "themselves, and signing in with DingTalk fills it in."
            ),
        }
        widgets: ClassVar = {
            "first_name": forms.TextInput({"autocomplete": "off"}),
            "email": forms.EmailInput({"autocomplete": "off"}),
            "union_id": forms.TextInput(
                {"autocomplete": "off", "spellcheck": "false", "class": "font-monospace"}
            ),
            "role": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["role"].choices = Role.choices  # type: ignore[attr-defined]  # without "---------"
        self.fields["role"].help_text = _(
            "Organizers invite people into their own conferences. Auditors read the history and change nothing. "
            "Administrators do everything, and set up apps and users."
        )
        if not self.instance.last_name:
            del self.fields["last_name"]

    def clean_username(self) -> str:
        """A name that nobody else signs in with, however it is written."""
        name: str = self.cleaned_data["username"]
        if User.objects.all().named(name).besides(self.instance.pk).exists():
            raise ValidationError(_("Somebody else signs in with this name."), code="taken")
        return name

    def clean_email(self) -> str:
        """An address that nobody else has, since people sign in with it."""
        email: str = self.cleaned_data["email"]
        check_address_is_free(email, besides=self.instance)
        return email

    def clean_union_id(self) -> str:
        """Empty, or something that can be a unionId."""
        union_id: str = self.cleaned_data["union_id"]
        if union_id:
            validate_union_id(union_id)
        return union_id


class NewUserForm(SetPasswordMixin[User], _PersonForm):
    """A new user with a first password."""

    password1, password2 = SetPasswordMixin.create_password_fields()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.fields["username"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """Both passwords are the same one."""
        self.validate_passwords()
        return super().clean() or self.cleaned_data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own way to know the name that a password may not be
        self.validate_password_for_user(self.instance)

    def save(self, commit: bool = True) -> User:
        """Saves the user; ``commit`` is always true."""
        self.set_password_and_save(self.instance)
        return self.instance


class UserForm(SeenForm, _PersonForm):
    """Somebody who has an account, changed by ``by``. Somebody who can set up everything is always left.

    One's own rights are not among the fields.
    """

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if by.pk == self.instance.pk:
            for right in ("role", "may_see_phone_numbers"):
                del self.fields[right], self.stored[right]

    @property
    def opens_another_way_in(self) -> bool:
        """Whether somebody could do more from now on, or get a new password elsewhere. The form is valid."""
        return not {"role", "email"}.isdisjoint(self.changed_data)

    def clean_role(self) -> str:
        """The last administrator stays one."""
        role: str = self.cleaned_data["role"]
        if role != Role.ADMINISTRATOR and User.objects.is_last_administrator(self.instance.pk):
            raise ValidationError(LastAdministrator.message, code="last_administrator")
        return role

    def keep(self) -> bool:
        """As any form's. Another administrator may have gone, or changed the same, between our check and our write."""
        try:
            return super().keep()
        except LastAdministrator as refusal:
            self.add_error("role", str(refusal))
        except ChangedMeanwhile as refusal:
            self.add_error(None, str(refusal))
        return False

    def save(self, commit: bool = True) -> User:
        """Writes these fields alone; ``commit`` is always true."""
        appointing.change(user=self.instance, fields=[*self.stored], by=self.by, known=self.stored)
        return self.instance


class PasswordForm(SetPasswordMixin[User], forms.Form):
    """Another password for ``user``."""

    password1, password2 = SetPasswordMixin.create_password_fields()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Both are the same, and not one that is easily guessed of this person."""
        self.validate_passwords()
        self.validate_password_for_user(self.user)
        return super().clean() or self.cleaned_data

    def keep(self) -> bool:
        """Gives the password and says True; says False with the errors in the form otherwise."""
        if self.is_valid():
            appointing.give_password(user=self.user, password=self.cleaned_data["password1"])
        return self.is_valid()


def in_words(*, conferences: int = 0, books: int = 0) -> list[str]:
    """So many conferences and address books, without those of which there are none."""
    told = []
    if conferences:
        told.append(
            ngettext("%(n)s conference", "%(n)s conferences", conferences) % {"n": intcomma(conferences)}
        )
    if books:
        told.append(ngettext("%(n)s address book", "%(n)s address books", books) % {"n": intcomma(books)})
    return told


class HandOverForm(forms.Form):
    """Who takes over what ``owner`` owns, and which of it; nothing is asked about what there is none of."""

    username = OrganizerField()
    conferences = forms.BooleanField(required=False, initial=True)
    books = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner
        self.fields["username"].label = _("Who takes over: their name for signing in")
        owned = appointing.belongings(owner)
        for name, number, words in (
            ("conferences", owned.conferences, in_words(conferences=owned.conferences)),
            ("books", owned.books, in_words(books=owned.books)),
        ):
            self.fields[name].label = "".join(words)
            if not number:
                del self.fields[name]

    def clean_username(self) -> User:
        """Somebody else than the owner."""
        user: User = self.cleaned_data["username"]
        if user.pk == self.owner.pk:
            raise ValidationError(_("These belong to this person already."), code="owner")
        return user

    def clean(self) -> dict[str, Any]:
        """Something is to be handed over."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("conferences") and not cleaned.get("books"):
            self.add_error(None, _("Choose what is handed over."))
        return cleaned
