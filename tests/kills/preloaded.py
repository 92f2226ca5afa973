"""Loads what every process that will be killed needs, once, so that a new one is there the moment it is forked.

Must open no connection and start no thread: all that are forked from here would share them.
"""

from importlib import import_module

import django
from django.urls import get_resolver

django.setup()
for name in (
    "dashboard.wsgi",
    "gunicorn.workers.gthread",
    "invites.management.commands.worker",
    "tests.kills.processes",
):
    import_module(name)
# Reads the URLs, and with them every view.
_ = get_resolver().url_patterns
