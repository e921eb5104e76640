"""Where a key on a token is: a PKCS#11 URI (RFC 7512)."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from vault.errors import InputError

SCHEME = "pkcs11:"
URI_MAX_CHARS = 1000
# RFC 7512, 2.3: what may stand there before percent-decoding.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:\[\]@!$'()*+,=&;?/%|]*")
_PATH_NAMES = frozenset({"token", "serial", "object", "id", "type"})
_QUERY_NAMES = frozenset({"module-path", "pin-source"})


@dataclass(frozen=True, slots=True)
class TokenUri:
    """A private key on a token. `module`: the library that speaks to the token; `pin_file`: where its PIN is.

    The token is told by label or serial number or both, the key by label or id or both.
    """

    text: str
    module: Path
    token_label: str | None
    token_serial: str | None
    key_label: str | None
    key_id: bytes | None
    pin_file: Path | None


def parse_token_uri(text: str) -> TokenUri:
    """Reads `pkcs11:token=…;object=…?module-path=/…&pin-source=file:/…`.

    Raises:
        InputError: it is no such URI, does not say which token, key and module, or holds a PIN.
    """
    if not text.startswith(SCHEME) or len(text) > URI_MAX_CHARS or not _CHARACTERS.fullmatch(text):
        raise InputError(
            "Expected a PKCS#11 URI (RFC 7512) such as pkcs11:token=NAME;object=KEY?module-path=/…"
        )
    path, _, query = text.removeprefix(SCHEME).partition("?")
    if "pin-value" in _names(query, "&"):
        raise InputError("A PIN does not belong into a URI: it would stand in files, histories and backups.")
    place = _attributes(path, ";", _PATH_NAMES)
    how = _attributes(query, "&", _QUERY_NAMES)
    if place.get("type", b"private") != b"private":
        raise InputError("The URI names another object than a private key: expected type=private.")
    if not {"token", "serial"} & place.keys() or not {"object", "id"} & place.keys():
        raise InputError("The URI has to name a token (token= or serial=) and a key on it (object= or id=).")
    module = Path(_text(how, "module-path") or "")
    if not module.is_absolute():
        raise InputError("The URI has to name the token's library by its full path: ?module-path=/…")
    return TokenUri(
        text=text,
        module=module,
        token_label=_text(place, "token"),
        token_serial=_text(place, "serial"),
        key_label=_text(place, "object"),
        key_id=place.get("id"),
        pin_file=_pin_file(_text(how, "pin-source")),
    )


def _names(part: str, separator: str) -> list[str]:
    return [pair.partition("=")[0] for pair in part.split(separator) if pair]


def _attributes(part: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    names = _names(part, separator)
    strange = sorted(set(names) - known)
    if strange or len(set(names)) != len(names):
        raise InputError(f"The URI names {strange[0] if strange else 'an attribute'} that is not expected.")
    return {
        name: unquote_to_bytes(value)
        for name, _, value in (pair.partition("=") for pair in part.split(separator) if pair)
    }


def _text(attributes: dict[str, bytes], name: str) -> str | None:
    try:
        return attributes[name].decode() if name in attributes else None
    except UnicodeDecodeError as error:
        raise InputError(f"The URI's {name} is not in UTF-8.") from error


def _pin_file(source: str | None) -> Path | None:
    if source is None:
        return None
    path = Path(source.removeprefix("file:"))
    if not path.is_absolute():
        raise InputError("Expected pin-source to be a file by its full path: file:/…")
    return path
