"""Chinese words for every reason, and for how each line stands."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from vault.model.catalogue import HolderKind
from vault.model.certificate import Status, TrustLevel
from vault.model.held import HeldCertificate, HeldMaterial, Party, PendingResult
from vault.model.origin import OriginKind
from vault.model.reuse_lines import Line, LineState, Obstacle, PartyLine, Proof, Reason
from vault.model.reuse_words import why
from vault.model.reuse_words_zh import why_zh
from vault.model.service_item import CertificateWay, HolderRole, MaterialWay, Requirement

ON, UNTIL = date(2026, 11, 23), date(2026, 12, 20)
WAY, PAPER = CertificateWay("T", "营业执照"), MaterialWay("CL0016", "预售资金监管协议")
APPLICANT = Party(0, frozenset({HolderRole.APPLICANT}), HolderKind.ORGANISATION)
AGENT = Party(1, frozenset({HolderRole.AGENT}), HolderKind.PERSON)
LICENCE = HeldCertificate(
    UUID(int=1),
    "1.2.156",
    "T",
    date(2026, 1, 2),
    date(2026, 1, 2),
    date(2026, 11, 30),
    Status.VALID,
    date(2026, 11, 3),
    None,
    frozenset({0}),
)
AGREEMENT = HeldMaterial(UUID(int=2), "CL0016", TrustLevel.C, None, ON, None, frozenset({0}))


def requirement(holder: HolderRole = HolderRole.APPLICANT) -> Requirement:
    everybody = frozenset(HolderKind)
    return Requirement(
        "r",
        "执照",
        "Licence",
        (WAY, PAPER),
        holder,
        everybody,
        only_if_agent=False,
        issued_within_days=90,
        valid_on_decision=True,
        trust_min=TrustLevel.B,
    )


def told(*parties: PartyLine, state: LineState = LineState.HELD_NOT_USABLE) -> str:
    line = Line(requirement(), state, parties)
    assert why(line, on=ON, needed_until=UNTIL)
    return why_zh(line, on=ON, needed_until=UNTIL)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_words(reason: Reason) -> None:
    evidence = AGREEMENT if reason in {Reason.TRUST_TOO_LOW, Reason.UNDATED} else LICENCE
    way = PAPER if evidence is AGREEMENT else WAY
    obstacle = Obstacle(way, evidence, APPLICANT, (reason,))
    said = told(PartyLine(APPLICANT, LineState.HELD_NOT_USABLE, None, (obstacle,), None))
    assert said.startswith(f"《{way.name}》")
    assert said.endswith("。")
    assert "None" not in said
    assert "{" not in said


def test_what_is_held_coming_or_missing() -> None:
    held = PartyLine(APPLICANT, LineState.HELD, Proof(WAY, LICENCE, APPLICANT), (), None)
    assert (
        told(held, state=LineState.HELD) == "《营业执照》2026年1月2日颁发，有效期至2026年11月30日，现行有效。"
    )
    scanned = replace(LICENCE, origin=OriginKind.SCAN_UNVERIFIED)
    copy = PartyLine(APPLICANT, LineState.HELD, Proof(WAY, scanned, APPLICANT), (), None)
    assert told(copy, state=LineState.HELD).endswith("现行有效。数字化副本，未经与原件核对。")
    coming = PendingResult("T", "SL-7", ON, frozenset({0}))
    pending = PartyLine(APPLICANT, LineState.PENDING, None, (), coming)
    assert "办件 SL-7" in told(pending, state=LineState.PENDING)
    missing = PartyLine(AGENT, LineState.NOT_HELD, None, (), None)
    said = told(held, missing, state=LineState.NOT_HELD)
    assert (
        said
        == "第 2 位（代理人）：库中没有，也没有在办件会产生：请申请人提交《营业执照》或《预售资金监管协议》。"
    )
    nobody = Line(requirement(HolderRole.AGENT), LineState.NOT_HELD, ())
    assert why_zh(nobody, on=ON, needed_until=UNTIL) == "没有填代理人：请补填其证件号码。"
