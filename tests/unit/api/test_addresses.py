"""Where a request came from: nobody can write themselves another address."""

import pytest

from api.addresses import HOPS_MAX, UNKNOWN, client_address
from vault.model.destinations import read_networks

PROXIES = read_networks("10.0.0.0/8, 192.0.2.7, 2001:db8:f::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),  # no proxy of ours: its word does not count
        ("10.1.1.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),  # the left one is the caller's own word
        ("10.1.1.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9, 10.2.2.2, 192.0.2.7"], "203.0.113.9"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),  # from within
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["203.0.113.9, rubbish"], "10.1.1.1"),
        ("10.1.1.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.1.1.1", ["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        ("2001:db8:f::1", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
        ("::ffff:10.1.1.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", [", ".join(["203.0.113.9", *["10.2.2.2"] * HOPS_MAX])], "10.2.2.2"),
        (None, ["203.0.113.9"], UNKNOWN),
        ("/run/socket", [], UNKNOWN),
    ],
)
def test_the_right_most_address_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], found: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert client_address(peer, headers, PROXIES) == found


def test_without_proxies_nobodys_word_counts() -> None:
    assert client_address("10.1.1.1", [(b"x-forwarded-for", b"203.0.113.9")], ()) == "10.1.1.1"
