"""Gives forms Tabler's look: classes on controls, and the templates below `templates/django/forms`."""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Input, Widget

_CLASSES: tuple[tuple[type[Widget], str], ...] = (
    (forms.HiddenInput, ""),
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (Input, "form-control"),
    (forms.Textarea, "form-control"),
)


class BoundField(forms.BoundField):
    """A field whose control carries the classes that Tabler expects, next to any that the form gives it."""

    @property
    def is_check(self) -> bool:
        """Whether it is one box to tick, whose label stands behind it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Widget | None = None) -> dict[str, Any]:
        """As Django's, with ``class``."""
        attrs = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        looks = next((name for kind, name in _CLASSES if isinstance(widget, kind)), "")
        names = [looks, "is-invalid" if looks and self.errors else "", widget.attrs.get("class", "")]
        if any(names):
            attrs["class"] = " ".join(name for name in [*names, attrs.get("class", "")] if name)
        return attrs


class FormRenderer(TemplatesSetting):
    """Finds templates where pages find theirs, so that `templates/django/forms` wins over Django's own."""

    bound_field_class = BoundField
