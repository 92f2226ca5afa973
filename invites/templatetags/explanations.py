"""Brings the explanation of an error code into a template."""

from django import template

from invites.explaining import Explanation, explain

register = template.Library()


@register.simple_tag
def explanation(code: str, people: int = 0) -> Explanation:
    """What ``code`` means for a call with so many people; use as ``{% explanation code people as explained %}``."""
    return explain(code, alone=people == 1)
