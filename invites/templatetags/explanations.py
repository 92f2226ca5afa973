"""Brings the explanation of an error code into a template."""

from django import template

from invites.explaining import Explanation, explain

register = template.Library()


@register.simple_tag
def explanation(code: str) -> Explanation:
    """What ``code`` means; use as ``{% explanation code as explained %}``."""
    return explain(code)
