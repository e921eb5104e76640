"""What people type to verify: numbers, codes, tokens and identifiers, in whatever letters."""

import re
from contextlib import suppress

from vault.errors import InputError
from vault.model.identifier import CertificateIdentifier, read_identifier
from vault.model.written import code_form, hides_something, holds_id_digits, masked_number, number_form

BLANK = re.compile(r"[\s\u200b\ufeff]")
SEEDS = tuple(
    text.encode()
    for text in (
        "K7WQ3MHT9C",
        "k7wq3-mht9c",
        "Ｋ７ＷＱ３ ＭＨＴ９Ｃ",
        "样许字〔2026〕118号",
        "11010519491231002X",
        "1.2.156.3005.2.11990000MB98000126013.11990100MB99000131.0A1B2C3D4E5F6G7H8I9J.001.0",
        "\u200b\ufeff\u0130ß",
    )
)


def one(data: bytes) -> None:
    """Every text has a form, without blanks: what is typed with them is found."""
    text = data.decode(errors="surrogatepass" if data.isascii() else "replace")
    for form in (code_form, number_form):
        assert not BLANK.search(form(text)), form.__name__
    masked_number(text)
    holds_id_digits(text)
    hides_something(text)
    with suppress(InputError):
        read_identifier(text)
    with suppress(InputError):
        found = CertificateIdentifier.parse(text)
        assert CertificateIdentifier.parse(str(found)) == found
