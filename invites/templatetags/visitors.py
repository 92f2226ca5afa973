"""Says in words with what somebody is signed in."""

from django import template

from invites.visiting import browser_in_words

register = template.Library()
register.filter("browser", browser_in_words)
