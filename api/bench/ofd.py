"""OFD alone: sealing beside the digests and signatures in it, making beside setting the page; one core."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from itertools import cycle
from time import perf_counter
from typing import TypeVar

from api.bench.figures import Budget, Counted, Result, Run, interleaved
from api.bench.floor import IDENTIFIER, Bare, bare, qr_stamp, typeset_page
from api.bench.stage import Stage
from api.settings import Settings
from signing.appearance import QrStamp
from signing.keys import SealingKey
from signing.national.authority import issue_national_certificate, new_national_authority
from signing.national.sealing_key import load_national_key
from signing.ofd import CertificateFacts, OfdPlace, seal_ofd, typeset_ofd
from signing.ses import Picture, SealInfo, make_seal
from signing.typeset import TypesetPage, seal_picture
from signing.typeset.seal_forms import seal_png

# Issue 6, "Deliver" 8: at least 300 a second and core without typesetting; each with its closing signature.
SEAL_OFD_BUDGET = Budget(Counted.RATE, 300.0)
# What is sealed is another document each time, as in a vault: certificates of one type share their ornaments
# and nothing else.
DOCUMENTS = 24
_SEAL_MM = 42
_PASSPHRASE = b"of a bench, gone with its process"
_VALIDITY = timedelta(days=365)
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class _National:
    """A development authority's seal with its signer's key, and the key that closes documents."""

    seal: bytes = field(repr=False)
    key: SealingKey = field(repr=False)
    closing_key: SealingKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Page:
    """One certificate's page with its QR, and what machines read of it."""

    typeset: TypesetPage = field(repr=False)
    facts: CertificateFacts = field(repr=False)
    qr: QrStamp = field(repr=False)


def measure_seal_ofd(on: Stage, seconds: float) -> Result:
    """Seal and closing signature on unsealed documents, beside their SM3 digests and two SM2 signatures."""
    tools = bare(on.vault.settings)
    at = datetime.now(UTC)
    national = _national(tools.owner.authority_name)
    documents = [_made(page, at) for page in _pages(on.vault.settings)]
    wanted = tools.kind.seal_place
    place = OfdPlace(wanted.page or 1, wanted.x_mm, wanted.y_mm, wanted.diameter_mm, wanted.diameter_mm)

    def ours(document: bytes) -> None:
        seal_ofd(
            document,
            seal=national.seal,
            place=place,
            key=national.key,
            closing_key=national.closing_key,
            at=datetime.now(UTC),
        )

    def bare_minimum(files: Sequence[bytes]) -> None:
        digests = b"".join(hashlib.new("sm3", content).digest() for content in files)
        national.key.sign(digests)
        national.closing_key.sign(digests)

    run, reference = interleaved(
        _over(ours, documents), _over(bare_minimum, [_files(document) for document in documents]), seconds
    )
    return Result(
        "seal_ofd",
        f"a seal and a closing signature on each of {DOCUMENTS} OFDs of {len(documents[0])} bytes, one core",
        run,
        "SM3 over the same files and two SM2 signatures",
        reference,
        SEAL_OFD_BUDGET,
        "the digest of a type's ornaments is kept, so that it may be faster than its reference",
    )


def measure_typeset_ofd(on: Stage, seconds: float) -> Result:
    """An OFD from a typeset page, beside the setting of that page."""
    tools = bare(on.vault.settings)
    at = datetime.now(UTC)
    pages = _pages(on.vault.settings)
    run, reference = interleaved(
        _over(lambda page: _made(page, at), pages),
        _over(lambda result: typeset_page(replace(tools, result=result), at), [tools.result]),
        seconds,
    )
    return Result(
        "typeset_ofd",
        f"an OFD from each of {DOCUMENTS} typeset pages, one core",
        run,
        "setting such a page with Typst",
        reference,
    )


@lru_cache(maxsize=1)
def _pages(settings: Settings) -> tuple[_Page, ...]:
    tools = bare(settings)
    at = datetime.now(UTC)
    return tuple(_page(tools, index, at) for index in range(DOCUMENTS))


def _page(tools: Bare, index: int, at: datetime) -> _Page:
    result = replace(tools.result, number=f"{tools.result.number[:-4]}{index:04d}")
    numbered = replace(tools, result=result)
    page = typeset_page(numbered, at)
    facts = CertificateFacts(
        type_name=tools.kind.name,
        type_code=tools.kind.code,
        number=result.number,
        identifier=IDENTIFIER,
        authority_name=tools.owner.authority_name,
        authority_code=tools.owner.authority,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        holders=result.holders,
        fields=result.fields,
    )
    return _Page(page, facts, qr_stamp(numbered, page, at))


def _made(page: _Page, at: datetime) -> bytes:
    return typeset_ofd(page.typeset.content, facts=page.facts, qr=page.qr, at=at)


def _national(organisation: str) -> _National:
    at = datetime.now(UTC)
    authority = new_national_authority(passphrase=_PASSPHRASE, at=at)

    def key(name: str) -> SealingKey:
        issued = issue_national_certificate(
            authority,
            _PASSPHRASE,
            organisation=name,
            uscc="91350100M000100Y43",
            passphrase=_PASSPHRASE,
            at=at,
        )
        return load_national_key(issued.key_pem, _PASSPHRASE, issued.certificate_pem)

    maker, signer, platform = key("样例制章"), key(organisation), key("样例证照平台")
    operators = seal_picture(organisation, centre=None, serial="9901000001234").operators
    info = SealInfo(
        es_id="9901000001234",
        name=organisation,
        certificates=(signer.certificate,),
        created_at=at,
        valid_from=at,
        valid_to=at + _VALIDITY,
        picture=Picture("png", seal_png(operators), _SEAL_MM, _SEAL_MM),
    )
    return _National(make_seal(info, maker), signer, platform)


def _files(document: bytes) -> list[bytes]:
    with zipfile.ZipFile(BytesIO(document)) as held:
        return [held.read(name) for name in held.namelist()]


def _over(work: Callable[[_Thing], object], things: Sequence[_Thing]) -> Callable[[float], Run]:
    work(things[0])  # the first one imports and caches

    def stretch(seconds: float) -> Run:
        durations_s = []
        began = perf_counter()
        for thing in cycle(things):
            started = perf_counter()
            if started - began >= seconds:
                break
            work(thing)
            durations_s.append(perf_counter() - started)
        return Run(len(durations_s), perf_counter() - began, tuple(durations_s))

    return stretch
