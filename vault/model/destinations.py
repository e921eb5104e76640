"""Where the vault may send something by itself: nobody reaches our own network by naming an address in it.

A name is checked when it is resolved, and the address that was checked is the one connected to: a name that
answers with another address a moment later (DNS rebinding) gains nothing.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from vault.errors import InputError, NotPermitted

Network = IPv4Network | IPv6Network

URL_MAX_CHARS = 2000  # what every server and proxy takes
HTTPS_PORT, HTTP_PORT = 443, 80
# IANA special-purpose registries, and multicast. Written out: `is_global` differs between releases of Python.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# What is not in here is loopback, link-local, unique local, multicast, IPv4 in disguise or not given out.
_PUBLIC_V6 = IPv6Network("2000::/3")
# Protocol assignments with Teredo, documentation, and 6to4, which carries an IPv4 address.
_NOT_PUBLIC_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True)
class Destination:
    """An address taken apart. `target` is the path with its query; `host_header` as RFC 9110, 7.2, has it."""

    scheme: str
    host: str
    port: int
    target: str
    host_header: str


@dataclass(frozen=True, slots=True)
class Destinations:
    """What is permitted. `networks`: beside the public addresses, because somebody configured them."""

    https_only: bool
    networks: tuple[Network, ...] = ()

    def read(self, url: str) -> Destination:
        """An address that may be asked for a connection; a name in it is not looked up yet.

        Raises:
            InputError: at `/url`; it is no such address, not https, or an IP address that is not permitted.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InputError.at("/url", "Expected an absolute address, got something else.") from None
        problem = _problem_with(url, parts)
        if problem is None and self.https_only and parts.scheme != "https":
            problem = "Expected https: what is sent is signed, not secret, but who gets it must be certain."
        if problem is not None:
            raise InputError.at("/url", problem)
        host = parts.hostname or ""
        try:
            literal = ip_address(host)
        except ValueError:
            literal = None
        if literal is not None:
            try:
                self.admit(host)
            except NotPermitted as error:
                raise InputError.at("/url", error.detail) from None
        default = HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Destination(parts.scheme, host, port or default, target, parts.netloc)

    def admit(self, address: str) -> str:
        """The numeric address to connect to; IPv4 in an IPv6 mapping is judged, and used, as IPv4.

        Raises:
            NotPermitted: it is not public and in none of the networks.
        """
        found = ip_address(address)
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if any(found in network for network in self.networks if network.version == found.version):
            return str(found)
        public = (
            not any(found in network for network in _NOT_PUBLIC_V4)
            if isinstance(found, IPv4Address)
            else found in _PUBLIC_V6 and not any(found in network for network in _NOT_PUBLIC_V6)
        )
        if not public:
            raise NotPermitted("The receiver's address is not public, and its network is not configured.")
        return str(found)


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks from `10.20.0.0/16, fd00:1::/32`; the empty text is none.

    Raises:
        InputError: a part of it is no network.
    """
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError("Expected networks like 10.20.0.0/16, separated by commas.") from None


def _problem_with(url: str, parts: SplitResult) -> str | None:
    if len(url) > URL_MAX_CHARS:
        return f"Expected at most {URL_MAX_CHARS} characters, got {len(url)}."
    if not url.isascii() or any(c <= " " or c in '\\"<>^`{|}\x7f' for c in url):
        return "Expected ASCII without blanks and without characters that an address must escape."
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        return "Expected https:// and a host."
    if "@" in parts.netloc or "#" in url:
        return "Expected neither user information nor a fragment: deliveries are known by their signature."
    return None
