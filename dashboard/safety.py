"""Refuses settings each of which makes sense, and which together would show secrets, or people's passwords, to anybody.

Must not import Django's settings: settings are checked before they hold.
"""

import ipaddress
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from dashboard.environment import DingTalkEnvironment, is_loopback


def refuse_unsafe(
    *,
    debug: bool,
    https_only: bool,
    insecure_http: bool,
    hosts: list[str],
    site_url: str,
    dingtalk: DingTalkEnvironment | None,
) -> None:
    """Raises ImproperlyConfigured, and says what to change, where the site would be open to whoever reaches it."""
    if any(host in {"*", ".", "*."} for host in hosts):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS must name the hosts of the site: with “*” anybody could put theirs into links in mail."
        )
    public = next((host for host in hosts if _is_public(host)), None)
    if debug and public:
        raise ImproperlyConfigured(
            f"DEBUG is 1, and ALLOWED_HOSTS names “{public}”: errors would show passwords and people to everybody "
            "there. Take DEBUG away."
        )
    if debug and dingtalk is not None and not is_loopback(urlsplit(dingtalk.base_url).hostname or ""):
        raise ImproperlyConfigured(
            "DEBUG is 1, and DingTalk is real: errors would show its secret and people's numbers. Take DEBUG away."
        )
    if public and not https_only and not insecure_http:
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS names “{public}”, and HTTPS_ONLY is not 1: passwords and sessions would travel readable. "
            "Let a proxy speak https and set HTTPS_ONLY=1; where nobody can listen, set INSECURE_HTTP=1 instead."
        )
    if https_only and insecure_http:
        raise ImproperlyConfigured("HTTPS_ONLY and INSECURE_HTTP are both 1: set one of them.")
    if https_only and urlsplit(site_url).scheme != "https":
        raise ImproperlyConfigured("SITE_URL must begin with https:// where HTTPS_ONLY is 1.")


def _is_public(host: str) -> bool:
    """Whether ``host`` may be reached by strangers: every name, and every address but those of a private network.

    Names that end in ``.localhost`` never leave the machine (RFC 6761).
    """
    name = host.strip("[]").lstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(name).is_private
    except ValueError:
        return True
