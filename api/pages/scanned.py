"""What a scanner or a phone read from a QR code, taken apart for whoever's browser runs no script."""

from dataclasses import dataclass, field

# The address with token and statement has about 600 characters.
SCANNED_MAX_CHARS = 2000
_TOKEN, _CODE = "t=", "p="


@dataclass(frozen=True, slots=True)
class ScannedToken:
    """The QR code of a certificate."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """The code by which a holder shows a certificate (亮证)."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScannedElsewhere:
    """An address of another site. It is not asked anything."""


Scanned = ScannedToken | ScannedCode | ScannedElsewhere


def read_scanned(text: str, public_url: str) -> Scanned | None:
    """What stands in an address like `https://vault.example/v#t=…`; None where it is no certificate's."""
    address, fragment, parts = text.strip()[:SCANNED_MAX_CHARS].partition("#")
    if not fragment:
        return None
    if address not in {"", f"{public_url}/v"}:
        return ScannedElsewhere()
    for part in parts.split("&"):
        if part.startswith(_TOKEN):
            return ScannedToken(part.removeprefix(_TOKEN))
        if part.startswith(_CODE):
            return ScannedCode(part.removeprefix(_CODE))
    return None
