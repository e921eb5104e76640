"""The log's witnesses: whose cosignatures count, and where they can be asked."""

from dataclasses import dataclass

from vault.errors import InputError
from vault.tlog.note import COSIGNATURE_V1, VerifierKey, parse_verifier_key


@dataclass(frozen=True, slots=True)
class Witness:
    """`url`: the submission prefix of C2SP tlog-witness; None for a witness that comes by itself."""

    key: VerifierKey
    url: str | None


def parse_witnesses(text: str) -> tuple[Witness, ...]:
    """Witnesses, one a line: a verifier key of type cosignature/v1, and a URL where it may be asked.

    Empty lines and lines that begin with `#` say nothing.

    Raises:
        InputError: a line is neither, or two witnesses have one name.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        written, _, url = line.strip().partition(" ")
        try:
            key = parse_verifier_key(written)
        except InputError as error:
            raise InputError(f"Witness in line {number}: {error.detail}") from None
        if key.kind != COSIGNATURE_V1:
            raise InputError(f"Witness in line {number}: expected a key of type cosignature/v1 (4).")
        found.append(Witness(key, url.strip().rstrip("/") or None))
    if len({witness.key.name for witness in found}) != len(found):
        raise InputError("Two witnesses have the same name.")
    return tuple(found)
