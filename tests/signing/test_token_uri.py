"""PKCS#11 URIs (RFC 7512): what names a key on a token, and what is refused."""

from pathlib import Path

import pytest

from signing.token_uri import parse_token_uri
from vault.errors import InputError

MODULE = "module-path=/usr/lib/x.so"


def test_token_key_module_and_pin_file_are_read() -> None:
    uri = parse_token_uri(
        "pkcs11:token=The%20Token;object=%E5%8D%B0;id=%01%ff;type=private"
        "?module-path=/usr/lib/x.so&pin-source=file:/etc/pin"
    )
    assert (uri.token_label, uri.key_label, uri.key_id) == ("The Token", "印", b"\x01\xff")
    assert (uri.module, uri.pin_file) == (Path("/usr/lib/x.so"), Path("/etc/pin"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://token", "PKCS#11 URI"),
        ("pkcs11:token=a b;object=c?" + MODULE, "PKCS#11 URI"),
        (f"pkcs11:token=a;object={'b' * 1000}?{MODULE}", "PKCS#11 URI"),
        (f"pkcs11:token=a;object=b?{MODULE}&pin-value=1234", "PIN does not belong"),
        (f"pkcs11:object=b?{MODULE}", "has to name a token"),
        (f"pkcs11:token=a?{MODULE}", "has to name a token"),
        ("pkcs11:token=a;object=b", "module-path"),
        ("pkcs11:token=a;object=b?module-path=x.so", "full path"),
        (f"pkcs11:token=a;token=b;object=c?{MODULE}", "not expected"),
        (f"pkcs11:token=a;object=b;slot-id=3?{MODULE}", "slot-id"),
        (f"pkcs11:token=a;object=b;type=public?{MODULE}", "private"),
        (f"pkcs11:token=%ff;object=b?{MODULE}", "UTF-8"),
        (f"pkcs11:token=a;object=b?{MODULE}&pin-source=pin", "full path"),
    ],
)
def test_what_does_not_name_a_key_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_token_uri(text)
