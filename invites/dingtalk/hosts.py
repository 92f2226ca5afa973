"""Which addresses may be connected to: a host that somebody typed must not lead into the network of this server.

Pure: must not look up names nor connect. An address is judged as it is connected to, whatever form it was written in.
"""

import ipaddress
from enum import Flag, auto

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where IPv4 stands in IPv6 for networks that speak nothing else (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Reach(Flag):
    """How far connections may go. ``PRIVATE`` is all that is neither public nor this machine: private networks, those
    of carriers (CGNAT), link-local addresses, among them where clouds tell machines their secrets, and multicast.
    """

    PUBLIC = auto()
    LOOPBACK = auto()
    PRIVATE = auto()


ANYWHERE = Reach.PUBLIC | Reach.LOOPBACK | Reach.PRIVATE


def reach_of(address: str) -> Reach:
    """What it takes to connect to ``address``, as the system's resolver gives it. Raises ValueError for none."""
    # fe80::1%eth0 names the way out as well.
    return _reach_of(ipaddress.ip_address(address.partition("%")[0]))


def _reach_of(address: Address) -> Reach:
    if isinstance(address, ipaddress.IPv6Address) and (inner := _embedded(address)) is not None:
        return _reach_of(inner)
    if address.is_loopback:
        return Reach.LOOPBACK
    # 0.0.0.0 and :: lead to this machine as well, but nobody writes them who means it.
    is_special = (
        address.is_private
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)
    )
    return Reach.PUBLIC if address.is_global and not is_special else Reach.PRIVATE


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that ``address`` stands for, if it stands for one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
