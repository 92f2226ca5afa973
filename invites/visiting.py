"""Who asks: from which address and with which browser a request comes, as far as that can be believed.

Knows no database. An address is what sign-ins are counted by, so nobody may choose their own.
"""

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

_BROWSERS = (
    ("DingTalk", "DingTalk"),
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """``address`` is None where the server does not know it, as behind a Unix socket."""

    address: str | None
    user_agent: str


def visitor_of(request: HttpRequest) -> Visitor:
    """Who has sent ``request``."""
    return Visitor(address=address_of(request), user_agent=request.headers.get("User-Agent", ""))


def address_of(request: HttpRequest) -> str | None:
    """The address that ``request`` comes from, None where it is not known.

    Each proxy puts the address that it was asked from at the end of X-Forwarded-For; what stands before may be made up.
    So behind TRUSTED_PROXIES proxies it is that many from the end, and without any the header says nothing. A header
    that is too short did not come through all of them.
    """
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",") if proxies else []
    told = forwarded[-proxies] if 0 < proxies <= len(forwarded) else ""
    return _clean(told) or _clean(request.META.get("REMOTE_ADDR", ""))


def place_of(request: HttpRequest) -> str:
    """By what tries from the address of ``request`` are counted: "" where it is not known.

    Of IPv6 it is the first 64 bits: whoever has one address has all that begin so.
    """
    address = address_of(request) or ""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


def _clean(text: str) -> str | None:
    """``text`` as an address without a port and a zone, None where it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def browser_in_words(user_agent: str) -> str:
    """What people call the browser that says ``user_agent`` of itself, and what it runs on, as in “Firefox on Linux”.

    Anybody can send anything there: it tells one's own browsers apart and proves nothing.
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")
