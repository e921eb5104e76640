"""What a scanner read, taken apart: ours, another's, or nothing."""

import pytest

from api.pages.scanned import Scanned, ScannedCode, ScannedElsewhere, ScannedToken, read_scanned

VAULT = "https://vault.example"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{VAULT}/v#t=abc&s=NCF%20", ScannedToken("abc")),
        (f"  {VAULT}/v#t=abc\r\n", ScannedToken("abc")),
        ("#t=abc", ScannedToken("abc")),
        (f"{VAULT}/v#p=shown&s=NCF", ScannedCode("shown")),
        (f"{VAULT}/v#s=NCF", None),  # a statement alone: only a script checks it
        (f"{VAULT}/v#", None),
        (f"{VAULT}/v", None),
        ("样许字〔2026〕118号", None),
        ("https://vault.example.evil.example/v#t=abc", ScannedElsewhere()),
        ("https://vault.example@evil.example/v#t=abc", ScannedElsewhere()),
        (f"{VAULT}/my#t=abc", ScannedElsewhere()),
        ("http://vault.example/v#t=abc", ScannedElsewhere()),
        (f"{VAULT}/v#{'x' * 3000}&t=abc", None),
    ],
)
def test_what_was_scanned(text: str, found: Scanned | None) -> None:
    assert read_scanned(text, VAULT) == found


def test_nothing_of_it_is_told_by_accident() -> None:
    assert "abc" not in repr(read_scanned("#t=abc", VAULT))
    assert "abc" not in repr(read_scanned("#p=abc", VAULT))
