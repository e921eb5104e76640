"""The province's certificates: who holds what, since when, and what became of it.

Drawn from a seed, block by block: a block of `BLOCK_UNITS` households and companies is made from the seed and
its number alone, so that memory stays flat, any block can be made anywhere, and the same seed gives the same
province. Nobody holds a certificate together with somebody of another block.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate, count, islice
from random import Random
from typing import Any, Final

from api.bench.province.faces import face
from api.bench.province.numbers import number_like
from api.bench.province.people import COMPANY_CODE_TYPE, Party, company, person
from vault.model.catalogue import CertificateType, HolderKind, IssuingAuthority
from vault.model.certificate import Status
from vault.model.lifecycle import Action, InspectionResult

CERTIFICATES: Final = 460_000
"""What the reference province holds (issue 8)."""
CERTIFICATES_MAX: Final = 10**7
STOCK_ON: Final = date(2026, 11, 1)
"""The day on which the stock is handed over: fixed, so that a seed always gives the same dates."""

BLOCK_UNITS: Final = 900
# Serials of a block: it has 4,260 certificates, give or take 450.
BLOCK_SERIALS: Final = 10_000

# How many certificates somebody holds: P(k) falls as k to this power.
_PERSON_MOST, _PERSON_FALL = 40, 2.2
_COMPANY_MOST, _COMPANY_FALL = 600, 1.9
_HOW_MANY: Final = {
    HolderKind.PERSON: tuple(accumulate(k**-_PERSON_FALL for k in range(1, _PERSON_MOST + 1))),
    HolderKind.ORGANISATION: tuple(accumulate(k**-_COMPANY_FALL for k in range(1, _COMPANY_MOST + 1))),
}
# Every third unit is a company; the others are households of two.
_COMPANY_EVERY: Final = 3
# Most of what is held is of a few kinds, in this order; the other kinds follow as the catalogue has them.
_COMMON: Final = (
    "社会保险参保缴费证明", "不动产权证书", "营业执照", "食品经营许可证", "从业人员健康证明",
    "不动产登记证明", "结婚证",
    "公共场所卫生许可证", "特种作业操作证", "道路运输经营许可证", "道路运输从业人员从业资格证",
    "烟草专卖零售许可证",
)  # fmt: skip
# Of a kind that somebody has already, so many are the next version of it (变更、延续), the others one more.
_RENEWAL_SHARE: Final = 0.5
_TOGETHER_SHARE: Final = 0.4  # held with the spouse, or by two companies, where the kind admits it
_FIRST_ISSUE: Final = date(2001, 1, 1)
_DAYS: Final = (STOCK_ON - _FIRST_ISSUE).days
# How the dates of issue crowd towards today: 1 would spread them evenly.
_CROWDING: Final = 2.0
# So many are issued by the authority that is in charge, the others by any that may.
_IN_CHARGE_SHARE: Final = 0.7
# Share of the certificates in force whose history has more in it than their issue, by what came last.
_FATES: Final = (
    (0.030, Action.CANCEL, Status.CANCELLED, "持证人申请注销"),
    (0.004, Action.REVOKE, Status.REVOKED, "违法行为情节严重"),
    (0.003, Action.SUSPEND, Status.SUSPENDED, "限期整改"),
    (0.002, Action.RESUME, Status.VALID, "整改合格"),
    (0.002, Action.ABOLISH, Status.ABOLISHED, "证载信息有误"),
    (0.001, Action.WITHDRAW, Status.WITHDRAWN, "以不正当手段取得"),
    (0.020, Action.INSPECT, Status.VALID, None),
)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a certificate after its issue. `result`: of inspections."""

    action: Action
    status: Status
    on: date
    reason: str | None = None
    result: InspectionResult | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One certificate of the stock.

    `serial`: its own in the whole province. `lineage`: the serial of its first version. `supersedes`: the
    version before it.
    """

    serial: int
    kind: CertificateType
    authority: IssuingAuthority
    number: str = field(repr=False)
    holders: tuple[Party, ...] = field(repr=False)
    issued_on: date
    valid_to: date | None
    fields: Mapping[str, Any] = field(repr=False)
    version: int = 1
    lineage: int = 0
    supersedes: "Held | None" = field(default=None, repr=False)
    events: tuple[Event, ...] = ()

    @property
    def status(self) -> Status:
        """What the last event left; superseded where a next version is there."""
        return self.events[-1].status if self.events else Status.VALID


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds that each sort of holder may have, the common ones first, with their cumulated weights."""

    of: Mapping[HolderKind, tuple[tuple[CertificateType, ...], tuple[float, ...]]]

    @classmethod
    def ranked(cls, kinds: Sequence[CertificateType]) -> "Kinds":
        """Weights fall as the rank's reciprocal."""
        place = {name: n for n, name in enumerate(_COMMON)}
        ordered = sorted(kinds, key=lambda kind: place.get(kind.name, len(_COMMON)))
        of = {}
        for sort in HolderKind:
            fit = tuple(kind for kind in ordered if sort in kind.holders.kinds)
            of[sort] = (fit, tuple(accumulate(1 / rank for rank in range(1, len(fit) + 1))))
        return cls(of)


def in_force(kinds: Kinds, seed: int, *, most: int, first_block: int = 0) -> Iterator[Held]:
    """The first so many that are in force or expired, in blocks, those of a block by their days of issue.

    That is what a register hands over: what was superseded or taken away stays in its archive.
    """
    held = (each for n in count(first_block) for each in block(kinds, seed, n) if each.status is Status.VALID)
    return islice(held, most)


def block(kinds: Kinds, seed: int, n: int) -> list[Held]:
    """All certificates of block `n`; a version stands somewhere behind the one that it supersedes."""
    draw = Random(f"{seed}/{n}")  # noqa: S311 - a province to measure with, no secret
    rough: list[_Rough] = []
    for unit in range(n * BLOCK_UNITS, (n + 1) * BLOCK_UNITS):
        for holder, partner in _parties(unit, n * BLOCK_UNITS):
            rough += _of_holder(kinds, holder, partner, draw)
    rough.sort(key=lambda each: each.issued_on)
    made: dict[int, Held] = {}
    for place, each in enumerate(rough[:BLOCK_SERIALS]):
        before = None if each.before is None else made.get(id(each.before))
        made[id(each)] = _finished(each, n * BLOCK_SERIALS + place, before, draw)
    return list(made.values())


@dataclass(eq=False, slots=True)
class _Rough:
    """Drawn, not yet in its place."""

    kind: CertificateType
    holders: tuple[Party, ...]
    issued_on: date
    before: "_Rough | None" = None
    after: "_Rough | None" = None


def _parties(unit: int, first: int) -> Iterator[tuple[Party, Party | None]]:
    """Who belongs to a unit, and with whom each may hold something."""
    if unit % _COMPANY_EVERY == _COMPANY_EVERY - 1:
        other = unit - _COMPANY_EVERY
        number = unit // _COMPANY_EVERY
        yield company(number), company(number - 1) if other >= first else None
    else:
        # Households are counted without the companies between them.
        household = unit - unit // _COMPANY_EVERY
        one, two = person(2 * household), person(2 * household + 1)
        yield from ((one, two), (two, one))


def _of_holder(kinds: Kinds, holder: Party, partner: Party | None, draw: Random) -> list[_Rough]:
    sort = HolderKind.ORGANISATION if holder.code_type == COMPANY_CODE_TYPE else HolderKind.PERSON
    fit, weights = kinds.of[sort]
    counts = _HOW_MANY[sort]
    (how_many,) = draw.choices(range(1, len(counts) + 1), cum_weights=counts)
    days = sorted(_DAYS - 1 - int(_DAYS * draw.random() ** _CROWDING) for _ in range(how_many))
    latest: dict[str, _Rough] = {}
    rough = []
    for kind, day in zip(draw.choices(fit, cum_weights=weights, k=how_many), days, strict=True):
        issued_on = _FIRST_ISSUE + timedelta(days=day)
        before = latest.get(kind.code)
        if before is not None and (before.issued_on >= issued_on or draw.random() >= _RENEWAL_SHARE):
            before = None
        holders = _together(kind, holder, partner, draw) if before is None else before.holders
        each = _Rough(kind, holders, issued_on, before)
        if before is not None:
            before.after = each
        latest[kind.code] = each
        rough.append(each)
    return rough


def _together(kind: CertificateType, holder: Party, partner: Party | None, draw: Random) -> tuple[Party, ...]:
    rule = kind.holders
    if partner is not None and (
        rule.count_min > 1 or (rule.count_max > 1 and draw.random() < _TOGETHER_SHARE)
    ):
        return (holder, partner)
    return (holder,)


def _finished(rough: _Rough, serial: int, before: Held | None, draw: Random) -> Held:
    kind, issued_on = rough.kind, rough.issued_on
    years = kind.validity.years_max
    valid_to = None
    if years is not None:
        # From half of the longest that is allowed; a year of 365 days never goes beyond an anniversary.
        valid_to = issued_on + timedelta(days=365 * draw.randint(max(1, years // 2), years) - 1)
    in_charge = draw.random() < _IN_CHARGE_SHARE
    authority = kind.authorities[0] if in_charge else draw.choice(kind.authorities)
    return Held(
        serial,
        kind,
        authority if before is None else before.authority,
        number_like(kind.number_pattern, serial, issued_on.year),
        rough.holders,
        issued_on,
        valid_to,
        face(kind, rough.holders, issued_on, draw),
        1 if before is None else before.version + 1,
        serial if before is None else before.lineage,
        before,
        _fate(rough, draw),
    )


def _fate(rough: _Rough, draw: Random) -> tuple[Event, ...]:
    if rough.after is not None:
        return (Event(Action.SUPERSEDE, Status.SUPERSEDED, rough.after.issued_on),)
    drawn = draw.random()
    for share, action, status, reason in _FATES:
        drawn -= share
        if drawn < 0:
            on = rough.issued_on + timedelta(days=draw.randrange((STOCK_ON - rough.issued_on).days or 1))
            result = InspectionResult.PASSED if action is Action.INSPECT else None
            last = Event(action, status, on, reason, result)
            first = Event(Action.SUSPEND, Status.SUSPENDED, rough.issued_on, "限期整改")
            return (first, last) if action is Action.RESUME else (last,)
    return ()
