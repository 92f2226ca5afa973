"""The id of the request, for the pages of what goes wrong: a person quotes it, an administrator looks for it."""

from django import template

from invites import tracing

register = template.Library()


@register.simple_tag
def request_id() -> str:
    """The id of the request that is being answered; "" outside of one."""
    return tracing.current()
