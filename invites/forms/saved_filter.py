"""What somebody calls filters of the history that they keep."""

from django import forms

from invites.models import SavedFilter


class SavedFilterForm(forms.ModelForm[SavedFilter]):
    """The name under which filters are kept; one that is taken already is taken over."""

    class Meta:
        model = SavedFilter
        fields = ("name",)
