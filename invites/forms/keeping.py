"""What forms that store something share: a broken rule shows at its field, also where somebody else was first, and
nobody undoes what somebody else has changed meanwhile.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _


class KeptForm(forms.ModelForm):  # type: ignore[type-arg]  # takes one in the stubs only
    """A model form that tells what was in the way where the database refuses what was right when it was checked."""

    def check_again(self) -> None:
        """Adds the error that somebody else has caused since the first check: by default a value that is taken."""
        self.validate_unique()

    def keep(self) -> bool:
        """Saves and says True; says False with the errors in the form where it is invalid or no longer possible."""
        if not self.is_valid():
            return False
        try:
            with transaction.atomic():
                self.save()
        except IntegrityError:
            # Somebody saved the same between our check and our write; asking again says what it was.
            self.check_again()
            if self.is_valid():
                self.add_error(None, _("Somebody else changed this at the same moment. Please try again."))
        return self.is_valid()


class KeepingForm[M: models.Model](KeptForm):
    """A model form that checks the constraints of the whole row, its fields outside the form included.

    ``fields_of_constraints`` says at which field each constraint is the person's to mend; the others show on top.
    """

    fields_of_constraints: ClassVar[Mapping[str, str]] = {}
    instance: M

    def validate_constraints(self) -> None:
        """Every constraint of the row, but for those about a field that is wrong already."""
        wrong = set(self.errors)
        for constraint in self.instance._meta.constraints:  # noqa: SLF001 - Django's documented way to a model's options
            try:
                constraint.validate(type(self.instance), self.instance, exclude=wrong)
            except ValidationError as error:
                self.add_error(self.fields_of_constraints.get(constraint.name), error)

    def check_again(self) -> None:
        """Constraints hold what is unique here."""
        self.validate_constraints()


class SeenForm:
    """For a model form: refuses to write over what somebody else has changed since its page was shown.

    The page says in ``seen`` what it has shown. A form that was refused shows what there is by now, and the next press
    is about that; one without ``seen`` says nothing of a page, and is refused nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form: forms.ModelForm[Any] = self  # type: ignore[assignment]
        self.stored = {name: form.initial.get(name) for name in form.fields}
        form.fields["seen"] = forms.CharField(required=False, widget=forms.HiddenInput, initial=self._sealed)

    def clean(self) -> dict[str, Any]:
        """Says at each field what somebody else has made of it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data  # type: ignore[misc, attr-defined]
        try:
            seen = signing.loads(cleaned.get("seen", ""), salt=__name__)
        except signing.BadSignature:
            return cleaned
        form: forms.ModelForm[Any] = self  # type: ignore[assignment]
        data: Any = form.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        for name, value in self.stored.items():
            if seen.get(name, value) == value or cleaned.get(name) == value:
                continue
            is_contested = cleaned.get(name) != seen[name]
            if not is_contested:
                data[form.add_prefix(name)] = value
            form.add_error(name, _changed_to(form.fields[name], value, is_contested=is_contested))
        data[form.add_prefix("seen")] = self._sealed()
        form.data = data
        return cleaned

    def _sealed(self) -> str:
        """What is stored, as the page hands it back: signed, so that nothing made up has to be read."""
        return signing.dumps(self.stored, salt=__name__)


def _changed_to(field: forms.Field, value: object, *, is_contested: bool) -> ValidationError:
    """That somebody else has made ``value`` of ``field``; ``is_contested``: and the person something else."""
    text = _("Somebody else has changed this meanwhile. It stands here as it is now.")
    if is_contested and value:
        text = _(
            "Somebody else has changed this meanwhile, to “%(value)s”. Save once more if yours is to hold."
        )
    elif is_contested:
        text = _("Somebody else has emptied this meanwhile. Save once more if yours is to hold.")
    label = dict(getattr(field, "choices", ())).get(value, value)
    return ValidationError(text, code="changed", params={"value": label})
