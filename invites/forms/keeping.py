"""What forms that store something share: a broken rule shows at its field, also where somebody else was first."""

from collections.abc import Mapping
from typing import ClassVar

from django import forms
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
