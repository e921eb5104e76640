"""Nobody reaches our own network by naming an address in it."""

import pytest

from vault.errors import InputError, NotPermitted
from vault.model.destinations import Destinations, read_networks

PUBLIC = Destinations(https_only=True)

REFUSED = [
    "0.0.0.0",  # noqa: S104 - judged, not bound
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
ADMITTED = ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "223.255.255.255"]
ADMITTED_V6 = ["2400:3200::1", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(NotPermitted):
        PUBLIC.admit(address)


@pytest.mark.parametrize("address", [*ADMITTED, *ADMITTED_V6])
def test_what_is_public_is_admitted(address: str) -> None:
    assert PUBLIC.admit(address) == address


def test_a_mapped_address_is_judged_and_used_as_what_it_maps() -> None:
    assert PUBLIC.admit("::ffff:1.1.1.1") == "1.1.1.1"
    inside = Destinations(https_only=True, networks=read_networks("10.20.0.0/16"))
    assert inside.admit("::ffff:10.20.0.7") == "10.20.0.7"


def test_configured_networks_are_admitted_and_nothing_beside_them() -> None:
    inside = Destinations(https_only=True, networks=read_networks("10.20.0.0/16, fd00:1::/32"))
    assert inside.admit("10.20.255.255") == "10.20.255.255"
    assert inside.admit("fd00:1:2::3") == "fd00:1:2::3"
    for address in ("10.21.0.1", "fd00:2::1", "127.0.0.1", "::1"):
        with pytest.raises(NotPermitted):
            inside.admit(address)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "x", "10.0.0.0/33", "10.0.0.0/8;11.0.0.0/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="networks like"):
        read_networks(text)


def test_no_network_is_none() -> None:
    assert read_networks("") == ()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "receiver.example",
        "//receiver.example",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "http://receiver.example/",
        "https://",
        "https:///x",
        "https://user@receiver.example/",
        "https://user:secret@receiver.example/",
        "https://receiver.example/#x",
        "https://receiver.example/#",
        "https://receiver.example:99999/",
        "https://receiver.example:x/",
        "https://receiver.example/a b",
        "https://receiver.example/\r\nX: y",
        "https://receiver.example\\@127.0.0.1/",
        "https://[::1/",
        "https://样例.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        f"https://receiver.example/{'x' * 2000}",
    ],
)
def test_what_is_no_address_for_us_is_named_at_its_place(url: str) -> None:
    with pytest.raises(InputError) as caught:
        PUBLIC.read(url)
    assert [p.pointer for p in caught.value.problems] == ["/url"]


def test_an_address_is_taken_apart() -> None:
    found = PUBLIC.read("https://Receiver.Example:8443/a/b?c=d")
    assert (found.scheme, found.host, found.port) == ("https", "receiver.example", 8443)
    assert (found.target, found.host_header) == ("/a/b?c=d", "Receiver.Example:8443")
    assert PUBLIC.read("https://receiver.example").target == "/"
    assert PUBLIC.read("https://receiver.example").port == 443
    assert PUBLIC.read("https://[2606:4700:4700::1111]/x").host == "2606:4700:4700::1111"


def test_development_may_do_without_https() -> None:
    found = Destinations(https_only=False).read("http://receiver.example/x")
    assert (found.scheme, found.port) == ("http", 80)
