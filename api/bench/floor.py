"""The floor under a deposit: making and sealing its page, with nothing received, stored, judged or committed.

A deposit cannot be faster than this on the same cores; the ratio to it is what the rest of the flow costs.
"""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic, perf_counter, sleep

from api.bench.figures import Run
from api.bench.requests import another_file, bench_kind, deposit_body, holder
from api.settings import Settings
from api.wiring import wire
from signing.intake import admit_pdf
from signing.seal import QrStamp, SealAppearance, seal_pdf
from signing.typeset import TypesetPage, qr_modules
from storage.seals import seals_in_use
from vault.catalogue import InForce, page_data
from vault.deposit import read_case
from vault.deposit.identifiers import TOKEN_BYTES
from vault.deposit.making import (
    QR_FROM_EDGE_MM,
    SEAL_DIAMETER_MM,
    SEAL_FROM_EDGE_MM,
)
from vault.deposit.sealing import SEAL_FIELD
from vault.model.actors import ClientGrant
from vault.model.catalogue import CertificateType
from vault.model.certificate import ApprovalResult
from vault.model.scope import VAULT
from vault.model.statement import QR_SIZE_MM
from vault.seal_ring import UsableSeal
from vault.stating import printed_statement, stated, verify_url
from vault.workshop import Workshop

# Of a certificate that there is none of; only its length counts.
IDENTIFIER = "1.2.156.3005.2.11990000MB98000126013.11990100MB99000131.00000000000000000000.001.0"


@dataclass(frozen=True, slots=True)
class Bare:
    """What the floor works with: the kind, one result of it, its authority's seal, compiler and keys."""

    kind: CertificateType
    result: ApprovalResult
    owner: UsableSeal
    workshop: Workshop
    page: bytes = field(repr=False)


@lru_cache(maxsize=1)
def bare(settings: Settings) -> Bare:
    """Everything opened once in this process; `page` is one typeset page without a seal."""
    at = datetime.now(UTC)
    workshop = wire(settings).workshop
    kind = bench_kind()
    body = deposit_body(kind, holder("F", 0))
    grant = ClientGrant("bench", "bench", frozenset(authority.code for authority in kind.authorities))
    (result,) = read_case(InForce({kind.code: kind}, {}, {}), grant, body, at=at).results
    authority = result.issuing_authority
    with workshop.database.reading(VAULT) as db:
        owner = workshop.seals.opened(db, seals_in_use(db, frozenset({authority}), at)[authority])
    workshop.database.close()
    tools = Bare(kind, result, owner, workshop, page=b"")
    return replace(tools, page=typeset_page(tools, at).content)


def floor(settings: Settings, begin_at: float, seconds: float, *, handed_in: bool) -> Run:
    """Makes and seals pages on one core for so long, from `begin_at` (time.monotonic) on.

    Typeset: page with its QR, seal with its time-stamp. Handed in: the gate, QR stamp, seal with time-stamp.
    """
    tools = bare(settings)
    sleep(max(0.0, begin_at - monotonic()))
    durations_s = []
    began = perf_counter()
    while perf_counter() - began < seconds:
        started = perf_counter()
        if handed_in:
            _seal_handed_in(tools, another_file(tools.page))
        else:
            _seal_typeset(tools)
        durations_s.append(perf_counter() - started)
    return Run(len(durations_s), perf_counter() - began, tuple(durations_s))


def appearance(tools: Bare) -> SealAppearance:
    """The seal's picture where the kind wants it."""
    place = tools.kind.seal_place
    return SealAppearance(tools.owner.picture, place.page or 1, place.x_mm, place.y_mm, place.diameter_mm)


def typeset_page(tools: Bare, at: datetime) -> TypesetPage:
    """The page of the tools' result, as a deposit sets it."""
    result = tools.result
    data = page_data(
        tools.kind,
        # Another one each time: a compiler that is asked for the same page again remembers it.
        number=f"{result.number}-{secrets.token_hex(4)}",
        holders=result.holders,
        identifier=IDENTIFIER,
        verification_code="2345678923",
        authority_name=tools.owner.authority_name,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        fields=result.fields,
    )
    return tools.workshop.typesetter.typeset(tools.kind.template, data, at=at)


def qr_stamp(tools: Bare, page: TypesetPage, at: datetime) -> QrStamp:
    """The page's QR at its place, as a deposit draws it."""
    place, half = page.qr_place, QR_SIZE_MM / 2
    modules = _symbol(tools, page.content, at)
    return QrStamp(
        modules, place.page, place.left_mm + half, place.top_mm + half, QR_SIZE_MM, on_own_page=True
    )


def _symbol(tools: Bare, unsealed: bytes, at: datetime) -> tuple[bytes, ...]:
    statement = printed_statement(
        tools.result,
        IDENTIFIER,
        unsealed,
        type_name=tools.kind.name,
        authority_name=tools.owner.authority_name,
        at=at,
    )
    url = verify_url(tools.workshop.public_url, secrets.token_urlsafe(TOKEN_BYTES))
    return qr_modules(stated(tools.workshop, url, statement, at=at))


def _seal_typeset(tools: Bare) -> None:
    at = datetime.now(UTC)
    page = typeset_page(tools, at)
    _seal(tools, page.content, replace(appearance(tools), qr=qr_stamp(tools, page, at)), at)


def _seal_handed_in(tools: Bare, pdf: bytes) -> None:
    at = datetime.now(UTC)
    admitted = admit_pdf(pdf)
    width_mm, height_mm = admitted.page_sizes_mm[-1]
    seal_right, seal_up = SEAL_FROM_EDGE_MM
    qr_left, qr_up = QR_FROM_EDGE_MM
    stamp = QrStamp(_symbol(tools, pdf, at), admitted.page_count, qr_left, height_mm - qr_up, QR_SIZE_MM)
    look = SealAppearance(
        tools.owner.picture,
        admitted.page_count,
        width_mm - seal_right,
        height_mm - seal_up,
        SEAL_DIAMETER_MM,
        stamp,
    )
    _seal(tools, pdf, look, at)


def _seal(tools: Bare, pdf: bytes, look: SealAppearance, at: datetime) -> None:
    seal_pdf(
        pdf,
        key=tools.owner.key,
        appearance=look,
        field_name=SEAL_FIELD,
        reason="电子证照签发",
        location=tools.owner.authority_name,
        at=at,
        tsa=tools.workshop.tsa,
    )
