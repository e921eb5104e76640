"""The decision as a table: every status and every reason, alone and together, and who has to have what."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from vault.model.catalogue import HolderKind
from vault.model.certificate import Status, TrustLevel
from vault.model.held import Held, HeldCertificate, HeldMaterial, Party, PendingResult
from vault.model.reuse import applies, decide, to_open
from vault.model.reuse_lines import Line, LineState, Reason
from vault.model.reuse_words import why
from vault.model.service_item import (
    CertificateWay,
    FieldWay,
    HolderRole,
    MaterialWay,
    Requirement,
)

Changes = dict[str, Any]
# What is changed of the evidence, of the requirement; the reason, and words of the sentence.
Against = tuple[Changes, Changes, Reason | None, str]

TODAY = date(2026, 11, 22)
DECISION = date(2026, 12, 20)
PERMIT, LICENCE, CONTRACT = "permit-type", "licence-type", "CL0013"

APPLICANT = Party(0, frozenset({HolderRole.APPLICANT}), HolderKind.ORGANISATION)
REPRESENTATIVE = Party(1, frozenset({HolderRole.LEGAL_REPRESENTATIVE}), HolderKind.PERSON)
AGENT = Party(2, frozenset({HolderRole.AGENT}), HolderKind.PERSON)

REQUIREMENT = Requirement(
    id="permit",
    name="施工许可证",
    name_en="Construction permit",
    ways=(CertificateWay(PERMIT, "建筑工程施工许可证"),),
    holder=HolderRole.APPLICANT,
    only_for=frozenset(HolderKind),
    only_if_agent=False,
    issued_within_days=None,
    valid_on_decision=False,
    trust_min=TrustLevel.B,
)
MATERIAL = replace(REQUIREMENT, id="contract", ways=(MaterialWay(CONTRACT, "施工合同"),))
FRESH: Changes = {"issued_within_days": 30}
LASTING: Changes = {"valid_on_decision": True}


def certificate(number: int = 1, *parties: int, **changes: Any) -> HeldCertificate:  # noqa: ANN401 - fields of any type
    plain = HeldCertificate(
        certificate_id=UUID(int=number),
        identifier=f"1.2.156.3005.2.{number}",
        type_code=PERMIT,
        issued_on=TODAY - timedelta(days=100),
        valid_from=TODAY - timedelta(days=100),
        valid_to=TODAY + timedelta(days=400),
        status=Status.VALID,
        status_since=TODAY - timedelta(days=7),
        superseded_by=None,
        parties=frozenset(parties or {0}),
    )
    return replace(plain, **changes)


def material(number: int = 1, *parties: int, **changes: Any) -> HeldMaterial:  # noqa: ANN401 - fields of any type
    plain = HeldMaterial(
        material_id=UUID(int=number),
        type_code=CONTRACT,
        trust=TrustLevel.B,
        issued_on=TODAY - timedelta(days=100),
        handed_in_on=TODAY - timedelta(days=99),
        valid_to=None,
        parties=frozenset(parties or {0}),
    )
    return replace(plain, **changes)


def decided(
    held: Held, requirement: Requirement = REQUIREMENT, *parties: Party, needed_until: date = DECISION
) -> Line:
    return decide(requirement, parties or (APPLICANT,), held, on=TODAY, needed_until=needed_until)


def told(line: Line) -> str:
    return why(line, on=TODAY, needed_until=DECISION)


ENDED = {
    Status.SUPERSEDED: (Reason.SUPERSEDED, "none of the holders asked about has its successor"),
    Status.CANCELLED: (Reason.CANCELLED, "(注销) on 2026-11-15: a new one"),
    Status.WITHDRAWN: (Reason.WITHDRAWN, "(撤销) on 2026-11-15: it may not be used, a new one"),
    Status.REVOKED: (Reason.REVOKED, "(吊销) on 2026-11-15: it may not be used"),
    Status.ABOLISHED: (Reason.ABOLISHED, "issued in error and abolished on 2026-11-15: ask its issuer"),
}
# What stands against a certificate besides its status.
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
AGAINST_CERTIFICATE: dict[str, Against] = {
    "nothing": ({}, {}, None, "is in force"),
    "fresh enough": ({"issued_on": TODAY - timedelta(days=30)}, FRESH, None, "is in force"),
    "lasts to the very day": ({"valid_to": DECISION}, LASTING, None, "valid until 2026-12-20"),
    "its last day is today": ({"valid_to": TODAY}, {}, None, "valid until 2026-11-22"),
    "without an end": ({"valid_to": None}, LASTING, None, "is in force"),
    "too old": (
        {"issued_on": TODAY - timedelta(days=31)},
        FRESH,
        Reason.TOO_OLD,
        "was issued on 2026-10-22, 31 days ago, and may be 30 days old at most: ask for a fresh one",
    ),
    "runs out": (
        {"valid_to": DECISION - timedelta(days=1)},
        LASTING,
        Reason.RUNS_OUT,
        "runs out on 2026-12-19, before the decision expected on 2026-12-20",
    ),
    "expired": ({"valid_to": YESTERDAY}, LASTING, Reason.EXPIRED, "expired on 2026-11-21: have it renewed"),
    "not yet valid": (
        {"valid_from": TOMORROW},
        {},
        Reason.NOT_YET_VALID,
        "is not valid before 2026-11-23: wait",
    ),
}


@pytest.mark.parametrize("case", AGAINST_CERTIFICATE)
def test_a_valid_certificate_with_each_reason(case: str) -> None:
    changes, asked, reason, words = AGAINST_CERTIFICATE[case]
    line = decided(Held((certificate(1, **changes),)), replace(REQUIREMENT, **asked))
    assert line.state is (LineState.HELD if reason is None else LineState.HELD_NOT_USABLE)
    assert [o.reasons for o in line.obstacles] == ([] if reason is None else [(reason,)])
    assert [p.evidence for p in line.satisfied_by] == ([certificate(1, **changes)] if reason is None else [])
    assert words in told(line)


@pytest.mark.parametrize("case", AGAINST_CERTIFICATE)
def test_a_suspended_certificate_tells_the_other_reasons_too(case: str) -> None:
    changes, asked, reason, words = AGAINST_CERTIFICATE[case]
    held = Held((certificate(1, status=Status.SUSPENDED, **changes),))
    line = decided(held, replace(REQUIREMENT, **asked))
    assert line.state is LineState.HELD_NOT_USABLE
    assert set(line.obstacles[0].reasons) == {Reason.SUSPENDED} | ({reason} if reason else set())
    assert "is suspended (暂扣) since 2026-11-15: it counts again when its issuer resumes it" in told(line)
    assert reason is None or words in told(line)


@pytest.mark.parametrize("status", ENDED)
@pytest.mark.parametrize("case", AGAINST_CERTIFICATE)
def test_an_ended_certificate_tells_its_end_and_no_more(status: Status, case: str) -> None:
    changes, asked, _, _ = AGAINST_CERTIFICATE[case]
    held = Held((certificate(1, status=status, **changes),))
    line = decided(held, replace(REQUIREMENT, **asked))
    reason, words = ENDED[status]
    assert (line.state, line.obstacles[0].reasons) == (LineState.HELD_NOT_USABLE, (reason,))
    assert words in told(line)


def test_every_status_is_in_the_tables() -> None:
    assert set(Status) == {Status.VALID, Status.SUSPENDED, *ENDED}
    named = {reason for _, _, reason, _ in AGAINST_CERTIFICATE.values()} | {r for r, _ in ENDED.values()}
    elsewhere = {
        Reason.SUSPENDED,
        Reason.WRONG_HOLDER,
        Reason.TRUST_TOO_LOW,
        Reason.UNDATED,
        Reason.FIELD_ABSENT,
    }
    assert set(Reason) == (named - {None}) | elsewhere


AGAINST_MATERIAL: dict[str, Against] = {
    "nothing": ({}, {}, None, "level B"),
    "made by the authority": ({"trust": TrustLevel.A}, {}, None, "level A"),
    "promised, where that will do": (
        {"trust": TrustLevel.D},
        {"trust_min": TrustLevel.D},
        None,
        "level D",
    ),
    "not checked yet": ({"trust": TrustLevel.C}, {}, Reason.TRUST_TOO_LOW, "compare it with the original"),
    "only promised": ({"trust": TrustLevel.D}, {}, Reason.TRUST_TOO_LOW, "level D, and level B or better"),
    "checked, where the authority has to have made it": (
        {},
        {"trust_min": TrustLevel.A},
        Reason.TRUST_TOO_LOW,
        "level B, and level A or better",
    ),
    "expired": ({"valid_to": YESTERDAY}, {}, Reason.EXPIRED, "expired on 2026-11-21"),
    "runs out": ({"valid_to": TOMORROW}, LASTING, Reason.RUNS_OUT, "runs out on 2026-11-23"),
    "too old": ({}, FRESH, Reason.TOO_OLD, "100 days ago"),
    "without a date": ({"issued_on": None}, FRESH, Reason.UNDATED, "without its date of issue"),
}


@pytest.mark.parametrize("case", AGAINST_MATERIAL)
def test_a_material_with_each_reason(case: str) -> None:
    changes, asked, reason, words = AGAINST_MATERIAL[case]
    held = Held(materials=(material(1, **changes),))
    line = decided(held, replace(MATERIAL, **asked))
    assert line.state is (LineState.HELD if reason is None else LineState.HELD_NOT_USABLE)
    assert [o.reasons for o in line.obstacles] == ([] if reason is None else [(reason,)])
    assert words in told(line)


def test_nothing_at_all_names_what_to_ask_for() -> None:
    requirement = replace(REQUIREMENT, ways=(*REQUIREMENT.ways, *MATERIAL.ways))
    line = decided(Held((certificate(1, type_code="another"),)), requirement)
    assert line.state is LineState.NOT_HELD
    assert told(line) == (
        "Not in the vault, and no case will bring it: ask for 建筑工程施工许可证 or 施工合同."
    )


COMING = PendingResult(PERMIT, "SL-7", YESTERDAY, frozenset({0}))


@pytest.mark.parametrize(
    ("held", "state"),
    [
        (Held(pending=(COMING,)), LineState.PENDING),
        (Held((certificate(1, valid_to=YESTERDAY),), pending=(COMING,)), LineState.PENDING),
        (Held((certificate(),), pending=(COMING,)), LineState.HELD),
        (Held(pending=(replace(COMING, type_code="another"),)), LineState.NOT_HELD),
        (Held(pending=(replace(COMING, parties=frozenset({1})),)), LineState.NOT_HELD),
    ],
)
def test_a_case_that_will_bring_it(held: Held, state: LineState) -> None:
    line = decided(held)
    assert line.state is state
    assert ("Case SL-7, reserved on 2026-11-21, will bring it" in told(line)) is (state is LineState.PENDING)


def test_a_pending_case_brings_certificates_and_never_materials() -> None:
    line = decided(Held(pending=(replace(COMING, type_code=CONTRACT),)), MATERIAL)
    assert line.state is LineState.NOT_HELD


def test_the_wrong_holder_is_told() -> None:
    requirement = replace(REQUIREMENT, holder=HolderRole.LEGAL_REPRESENTATIVE)
    line = decided(Held((certificate(1, 0),)), requirement, APPLICANT, REPRESENTATIVE)
    assert (line.state, line.obstacles[0].reasons) == (LineState.HELD_NOT_USABLE, (Reason.WRONG_HOLDER,))
    assert "held by another holder of the request, not by the legal representative" in told(line)


def test_a_role_that_nobody_has_is_told() -> None:
    line = decided(Held((certificate(),)), replace(REQUIREMENT, holder=HolderRole.AGENT))
    assert line.state is LineState.NOT_HELD
    assert told(line) == "The request names nobody as the agent: add them to holders with the role agent."


OWNERS = (
    Party(0, frozenset({HolderRole.APPLICANT}), HolderKind.PERSON),
    Party(1, frozenset({HolderRole.CO_OWNER}), HolderKind.PERSON),
    Party(2, frozenset({HolderRole.CO_OWNER}), HolderKind.PERSON),
)
OF_EACH_OWNER = replace(REQUIREMENT, holder=HolderRole.CO_OWNER)


@pytest.mark.parametrize(
    ("held", "state", "words"),
    [
        (Held((certificate(1, 0, 1, 2),)), LineState.HELD, "Holder 1 (the applicant)"),
        (Held((certificate(1, 0), certificate(2, 1), certificate(3, 2))), LineState.HELD, "Holder 3"),
        (Held((certificate(1, 0, 1),)), LineState.NOT_HELD, "Holder 3 (the co-owner): Not in the vault"),
        (
            Held((certificate(1, 0, 1), certificate(2, 2, valid_to=YESTERDAY))),
            LineState.HELD_NOT_USABLE,
            "Holder 3 (the co-owner): 建筑工程施工许可证 expired",
        ),
        (
            Held((certificate(1, 0, 1),), pending=(replace(COMING, parties=frozenset({2})),)),
            LineState.PENDING,
            "Holder 3 (the co-owner): Case SL-7",
        ),
        (
            Held((certificate(1, 0), certificate(2, 2, status=Status.REVOKED))),
            LineState.NOT_HELD,
            "Holder 2 (the co-owner): Not in the vault",
        ),
    ],
)
def test_each_co_owner_has_to_have_it(held: Held, state: LineState, words: str) -> None:
    line = decided(held, OF_EACH_OWNER, *OWNERS)
    assert line.state is state
    assert words in told(line)
    if state is not LineState.HELD:
        assert "Holder 1" not in told(line), "who has it need not hear of it"


def test_what_lasts_longest_is_taken_and_of_equals_the_newest() -> None:
    short, long = certificate(1, valid_to=TODAY), certificate(2, valid_to=None)
    newer = certificate(3, valid_to=None, issued_on=TODAY)
    assert decided(Held((short, long))).satisfied_by[0].evidence == long
    assert decided(Held((newer, short, long))).satisfied_by[0].evidence == newer


def test_the_first_way_that_has_anything_is_taken() -> None:
    requirement = replace(REQUIREMENT, ways=(*MATERIAL.ways, *REQUIREMENT.ways))
    both = Held((certificate(),), (material(),))
    assert decided(both, requirement).satisfied_by[0].evidence == material()
    low = Held((certificate(),), (material(trust=TrustLevel.C),))
    assert decided(low, requirement).satisfied_by[0].evidence == certificate()
    assert decided(low, requirement).obstacles == ()


def test_of_many_the_nearest_to_usable_speaks() -> None:
    held = Held(
        (
            certificate(1, status=Status.REVOKED),
            certificate(2, valid_to=YESTERDAY),
            certificate(3, valid_to=TOMORROW),
            certificate(4, status=Status.CANCELLED),
        )
    )
    line = decided(held, replace(REQUIREMENT, **LASTING))
    assert [obstacle.evidence for obstacle in line.obstacles] == [held.certificates[2]]


OLD = certificate(1, status=Status.SUPERSEDED, superseded_by=UUID(int=2))


def test_a_successor_that_will_do_is_taken() -> None:
    line = decided(Held((OLD, certificate(2))))
    assert (line.state, line.satisfied_by[0].evidence) == (LineState.HELD, certificate(2))


def test_a_successor_that_will_not_do_is_named_with_its_own_reason() -> None:
    line = decided(Held((OLD, certificate(2, status=Status.REVOKED))))
    assert line.obstacles[0].reasons == (Reason.REVOKED,)
    assert "An earlier one was superseded on 2026-11-15 by 1.2.156.3005.2.2: " in told(line)
    assert "was revoked (吊销)" in told(line)


def test_a_successor_of_another_holder_is_named_with_its_place() -> None:
    line = decided(Held((OLD, certificate(2, 1))), REQUIREMENT, APPLICANT, REPRESENTATIVE)
    assert line.obstacles[0].reasons == (Reason.SUPERSEDED,)
    assert "superseded on 2026-11-15 by 1.2.156.3005.2.2, which holder 2 of the request holds" in told(line)


def test_a_successor_that_was_taken_back_before_it_began_is_none() -> None:
    waiting = certificate(1, status=Status.SUSPENDED, superseded_by=UUID(int=2))
    line = decided(Held((waiting, certificate(2, status=Status.ABOLISHED))))
    assert line.obstacles[0].reasons == (Reason.SUSPENDED,)
    assert line.obstacles[0].evidence == waiting


def test_a_successor_that_is_not_held_is_told() -> None:
    line = decided(Held((OLD,)))
    assert "none of the holders asked about has its successor" in told(line)


def test_a_field_counts_by_the_certificate_that_bears_it() -> None:
    way = FieldWay(PERMIT, "建筑工程施工许可证", "contractor", "施工单位")
    requirement = replace(REQUIREMENT, ways=(way,))
    line = decided(Held((certificate(),)), requirement)
    assert (line.state, line.satisfied_by[0].way) == (LineState.HELD, way)
    absent = frozenset({(UUID(int=1), "contractor")})
    lacking = decided(Held((certificate(),), absent=absent), requirement)
    assert (lacking.state, lacking.satisfied_by) == (LineState.HELD_NOT_USABLE, ())
    assert lacking.obstacles[0].reasons == (Reason.FIELD_ABSENT,)
    assert "does not say what is asked for" in told(lacking)
    assert decided(replace(Held((certificate(),)), absent=absent)).state is LineState.HELD, "no field asked"


def test_another_certificate_that_has_the_field_is_taken_and_then_another_way() -> None:
    way = FieldWay(PERMIT, "建筑工程施工许可证", "contractor", "施工单位")
    requirement = replace(REQUIREMENT, ways=(way, MaterialWay(CONTRACT, "施工合同")))
    shorter = certificate(2, valid_to=TODAY)
    both = (certificate(1), shorter)
    without_first = frozenset({(UUID(int=1), "contractor")})
    line = decided(Held(both, absent=without_first), requirement)
    assert [proof.evidence for proof in line.satisfied_by] == [shorter]
    without_both = without_first | {(UUID(int=2), "contractor")}
    line = decided(Held(both, (material(),), absent=without_both), requirement)
    assert [proof.evidence for proof in line.satisfied_by] == [material()]
    coming = replace(COMING, type_code=PERMIT)
    assert decided(Held(both, (), (coming,), without_both), requirement).state is LineState.PENDING


def test_what_may_have_to_be_opened_is_what_is_usable_so_far() -> None:
    held = Held(
        (
            certificate(1),
            certificate(2, valid_to=TODAY),
            certificate(3, valid_to=YESTERDAY),
            certificate(4, 1),
            certificate(5, status=Status.REVOKED),
        )
    )
    days = {"on": TODAY, "needed_until": DECISION}
    parties = (APPLICANT, REPRESENTATIVE)
    assert to_open(REQUIREMENT, parties, held, **days) == {UUID(int=1)}
    way = FieldWay(PERMIT, "建筑工程施工许可证", "contractor", "施工单位")
    wanted = replace(REQUIREMENT, ways=(way, *MATERIAL.ways))
    assert to_open(wanted, parties, held, **days) == {UUID(int=1), UUID(int=2)}
    assert to_open(wanted, parties, Held(materials=(material(),)), **days) == frozenset()


@pytest.mark.parametrize(
    ("changes", "parties", "asked"),
    [
        ({}, (APPLICANT,), True),
        ({"only_for": frozenset({HolderKind.ORGANISATION})}, (APPLICANT,), True),
        ({"only_for": frozenset({HolderKind.PERSON})}, (APPLICANT,), False),
        ({"only_for": frozenset({HolderKind.PERSON})}, (APPLICANT, REPRESENTATIVE), False),
        ({"only_if_agent": True}, (APPLICANT, REPRESENTATIVE), False),
        ({"only_if_agent": True}, (APPLICANT, AGENT), True),
    ],
)
def test_conditions(changes: Changes, parties: tuple[Party, ...], asked: bool) -> None:  # noqa: FBT001 - a table's column
    assert applies(replace(REQUIREMENT, **changes), parties) is asked
