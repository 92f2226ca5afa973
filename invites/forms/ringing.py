"""What a press of *Ring again* says: whom to ring, and what the page showed."""

from django import forms

from invites.ringing_again import Whom


class RingAgainForm(forms.Form):
    """``seen`` is the newest repetition of the invitation that the page knew of; nothing where there was none."""

    whom = forms.ChoiceField(choices=Whom.choices)
    seen = forms.IntegerField(required=False, min_value=0)

    @property
    def whom_to_ring(self) -> Whom:
        """Whom to ring, of a form that is valid."""
        return Whom(self.cleaned_data["whom"])

    @property
    def newest_seen(self) -> int:
        """What the page knew of, of a form that is valid; 0 for no repetition at all."""
        return self.cleaned_data["seen"] or 0
