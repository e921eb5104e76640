"""Where a request came from, as far as the proxies in front of us can be believed."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from vault.model.destinations import Network

Address: TypeAlias = IPv4Address | IPv6Address

FORWARDED_FOR = b"x-forwarded-for"
# More proxies than this in a row are no honest chain.
HOPS_MAX = 16
# What one household or office gets (RFC 6177): within it an address is changed at will.
IPV6_PREFIX = 64
# Addresses of proxies and busy callers are read once.
_READ_MAX = 4096
UNKNOWN = "unknown"
"""For whoever has no address that can be read: all of them share one."""


def client_address(
    peer: str | None, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]
) -> str:
    """The address that a request is counted by: IPv4 as it is, of IPv6 the network of a household.

    The peer itself, unless that is a proxy of ours: then the right-most entry of X-Forwarded-For that is none
    of our proxies. What stands further to the left is the caller's own word, and is not read.
    """
    found = _read(peer or "")
    if found is None:
        return UNKNOWN
    if not trusted or not _among(found, trusted):
        return _counted(found)
    chain = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1")
    for hop in chain.split(",")[: -HOPS_MAX - 1 : -1]:
        before = _read(hop)
        if before is None:
            break
        found = before
        if not _among(found, trusted):
            break
    return _counted(found)


@lru_cache(maxsize=_READ_MAX)
def _read(text: str) -> Address | None:
    """An address with or without a port (`1.2.3.4:5`, `[2001:db8::1]:5`)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)
