"""The shipped kinds' examples as PDF and as OFD, made once for a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from io import BytesIO

import pikepdf

from signing.appearance import QrStamp, qr_operators
from signing.ofd import CertificateFacts, typeset_ofd
from signing.ofd.package import packed, written
from signing.pades.page import page_frame
from signing.typeset import TypesetPage, Typesetter
from tests.signing.ofd.drawing import Package
from tests.signing.typeset.overlay import stamp_of
from tests.signing.typeset.pages import AT, KINDS, QR_TEXT, example_data
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder


@dataclass(frozen=True, slots=True)
class BothFormats:
    """A certificate as Typst set it, with its QR drawn on it, and as OFD."""

    typeset: TypesetPage
    pdf: bytes = field(repr=False)
    ofd: bytes = field(repr=False)


@cache
def typesetter() -> Typesetter:
    """One for all tests: the compiler reads its fonts once."""
    return Typesetter(compilers=1)


@cache
def both_formats(name: str) -> BothFormats:
    """The example of a kind."""
    kind = KINDS[name]
    page = typesetter().typeset(kind.template, example_data(kind), at=AT)
    stamp = stamp_of(page, QR_TEXT)
    return BothFormats(
        page, _with_qr(page, stamp), typeset_ofd(page.content, facts=facts(kind), qr=stamp, at=AT)
    )


def facts(kind: CertificateType) -> CertificateFacts:
    """What a kind's example says."""
    example = kind.example
    authority = kind.authority(example["issuing_authority"])
    assert authority is not None
    return CertificateFacts(
        type_name=kind.name,
        type_code=kind.code,
        number=example["number"],
        identifier=f"1.2.156.3005.2.{kind.code}.11990100MB99000131.SL2026000118.001.M",
        authority_name=authority.name,
        authority_code=example["issuing_authority"],
        issued_on=date.fromisoformat(example["issued_on"]),
        valid_from=date.fromisoformat(example["valid_from"]),
        valid_to=None if example["valid_to"] is None else date.fromisoformat(example["valid_to"]),
        holders=[Holder.parse(h["code_type"], h["code"], h["name"]) for h in example["holders"]],
        fields=example["fields"],
    )


def repacked(document: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A package after a change to its files."""
    files = dict(Package.of(document).files)
    change(files)
    return written(packed(name, content) for name, content in files.items())


def _with_qr(page: TypesetPage, stamp: QrStamp) -> bytes:
    with pikepdf.open(BytesIO(page.content)) as pdf:
        target = pdf.pages[stamp.page - 1]
        target.contents_coalesce()
        target.contents_add(b"q\n", prepend=True)
        target.contents_add(b"\nQ " + qr_operators(stamp, page_frame(target.obj)))
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()
