"""Makes a web process ready for its first request, and quick for all that follow. Must not ask the database."""

import gc

from django.urls import get_resolver


def warm_up() -> None:
    """Loads every view, and then takes what is loaded out of the sight of the garbage collector.

    It stays for as long as the process lives; looking through it again and again would hold up a request for 50 to
    200 ms each time.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
