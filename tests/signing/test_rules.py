"""Each rule of the judge against a file that it alone catches: with the rule off, the file passes."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.timestamps import TimeStamper

from signing import validate
from signing.judge import integrity, ranges, updates, whole
from signing.judge.fields import Signed
from signing.judge.findings import SubIndication
from signing.judge.message import load_certificate, read_message, verify_signature
from signing.judge.revisions import Later, check_revisions
from signing.judge.trust import ListedSeal, Trust
from signing.validate import CHECK_NAMES, RecordedSignatures, judge_pdf
from tests.signing import attacks
from tests.signing.workshop import NOW, Workshop, pyhanko_opinions, tiny_pdf
from vault.errors import SignatureError
from vault.model.verdict import CheckResult, Indication, SealReport


def judged(
    content: bytes, trust: Trust, recorded: RecordedSignatures | None = None
) -> tuple[SealReport, ...]:
    return judge_pdf(content, trust=trust, at=NOW, recorded=recorded)


def failed(reports: tuple[SealReport, ...]) -> set[str]:
    return {check.name for report in reports for check in report.checks if check.result is CheckResult.FAILED}


def passes(reports: tuple[SealReport, ...]) -> bool:
    return bool(reports) and all(report.indication is Indication.TOTAL_PASSED for report in reports)


def test_what_no_rule_minds_passes_every_one(workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    reports = judged(sealed, attacks.listed(workshop), attacks.on_record(workshop, attacks.FIELD))
    assert passes(reports)
    (report,) = reports
    assert [check.name for check in report.checks] == [*CHECK_NAMES, "recorded_signatures"]
    unknown = {check.name for check in report.checks if check.result is not CheckResult.PASSED}
    assert unknown == {"archive", "revocation"}  # there is nothing of these here
    assert report.authority == attacks.AUTHORITY


def test_what_may_stand_behind_a_signature_passes(workshop: Workshop) -> None:
    certified = attacks.certified(workshop, box=(200, 300, 300, 400))
    writer = IncrementalPdfFileWriter(BytesIO(certified))
    signed_in_its_field = attacks.signed(writer, workshop, "later")
    reports = judged(signed_in_its_field, attacks.listed(workshop))
    assert passes(reports), reports
    assert [report.field_name for report in reports] == [attacks.FIELD, "later"]


def _never(*_: object, **__: object) -> None:
    return None


def _lenient_range(document: bytes, signature: Any) -> ranges.CoveredBytes:  # noqa: ANN401 - pikepdf's object
    """As readers of strings read: blanks between the digits do not count."""
    _, start, behind, rest = (int(number) for number in signature.ByteRange)
    value = bytes.fromhex(document[start + 1 : behind - 1].decode("ascii"))
    view = memoryview(document)
    size = int.from_bytes(value[2:4], "big") + 4
    return ranges.CoveredBytes(view[:start], view[behind : behind + rest], value[:size], behind + rest)


def _first_signer(covered: ranges.CoveredBytes, subfilter: str) -> Any:  # noqa: ANN401 - as the rule returns
    """As a reader that takes the first signer and no notice of the others."""
    return integrity.read_seal(replace(covered, value=attacks.with_signers(covered.value, 1)), subfilter)


def _permitted(*_: object, **__: object) -> Later:
    return Later.PERMITTED


def _covers(findings: Any, *_: object, **__: object) -> None:  # noqa: ANN401 - the findings
    findings.passed("coverage", "Not looked at.")


def _same(*_: object, **__: object) -> int:
    return 1


# Name of the check, the file, and what switches the rule off: a module's function and its replacement.
ONE_RULE: dict[str, tuple[str, Callable[[Workshop], bytes], Any, str, Any]] = {
    "V1": ("file_ends", attacks.zip_at_the_end, whole, "check_ends", _never),
    "V2": ("active_content", attacks.scripted, whole, "check_active", _never),
    "V4": ("cms", attacks.two_signers, validate, "read_seal", _first_signer),
    "V5": ("byte_range", attacks.blanks_in_the_gap, validate, "covered_bytes", _lenient_range),
    "V6": ("coverage", attacks.store_behind, validate, "check_coverage", _covers),
    "V7": ("revisions", attacks.language_between, whole, "check_revisions", _permitted),
    "V8": ("field", attacks.second_field, validate, "check_field", _never),
    "V11": ("rendering", attacks.covering_appearance, whole, "check_rendering", _same),
}


@pytest.mark.parametrize("rule", ONE_RULE)
def test_a_file_that_one_rule_alone_catches(
    rule: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, make, module, function, off = ONE_RULE[rule]
    content, trust = make(workshop), attacks.listed(workshop)
    reports = judged(content, trust)
    assert failed(reports) == {name}
    assert all(report.indication is not Indication.TOTAL_PASSED for report in reports)
    monkeypatch.setattr(module, function, off)
    assert passes(judged(content, trust)), "another rule catches it too"


@pytest.mark.parametrize("stopped", [False, True], ids=["never listed", "stopped before it sealed"])
def test_v9_a_signer_who_is_not_on_the_list(stopped: bool, workshop: Workshop) -> None:  # noqa: FBT001 - a pytest parameter
    sealed = attacks.by_hand(workshop).fill()
    strange = Trust(workshop.trust.roots, (ListedSeal("00" * 32, attacks.AUTHORITY, NOW),))
    ended = attacks.listed(workshop, until=NOW - timedelta(minutes=1))
    reports = judged(sealed, ended if stopped else strange)
    assert failed(reports) == {"seal_list"}
    assert not passes(reports)
    assert passes(judged(sealed, workshop.trust))  # no list: no rule


def test_v9_a_seal_stopped_since_passes_with_proven_time_only(workshop: Workshop) -> None:
    stopped_since = attacks.listed(workshop, until=NOW + timedelta(minutes=1))
    assert passes(judged(attacks.by_hand(workshop).fill(), stopped_since))
    (report,) = judged(workshop.seal(tiny_pdf()).content, stopped_since)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")


@pytest.mark.parametrize("names", [(), ("other",), (attacks.FIELD, "stripped")])
def test_v10_other_signatures_than_on_record(names: tuple[str, ...], workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    trust = attacks.listed(workshop)
    reports = judged(sealed, trust, attacks.on_record(workshop, *names))
    assert failed(reports) == {"recorded_signatures"}
    assert not passes(reports)
    assert passes(judged(sealed, trust))


@pytest.mark.parametrize(
    ("at", "digest"),
    [
        (NOW, bytes(32)),
        (NOW + timedelta(hours=1), None),
        (NOW - timedelta(hours=1), None),
        (NOW - timedelta(days=1), None),
    ],
    ids=["something else", "in the future", "before the claimed time", "before the certificate"],
)
def test_v12_a_time_stamp_that_proves_nothing(at: Any, digest: bytes | None, workshop: Workshop) -> None:  # noqa: ANN401 - a time
    tsa = attacks.StampedElsewhere(workshop, at=at, digest=digest)
    reports = judged(workshop.seal(tiny_pdf(), tsa=tsa).content, attacks.listed(workshop))
    assert failed(reports) == {"timestamp"}
    assert not passes(reports)
    assert passes(judged(workshop.seal(tiny_pdf(), tsa=workshop.tsa).content, attacks.listed(workshop)))


# What pyHanko, as it comes, says of the same files: where it is satisfied, only our rules protect.
PYHANKO_IS_SATISFIED = {"V2", "V6", "V8", "V11"}


@pytest.mark.parametrize("rule", ONE_RULE)
def test_where_pyhanko_differs(rule: str, workshop: Workshop) -> None:
    content = ONE_RULE[rule][1](workshop)
    opinions = []
    with suppress(Exception):  # of hostile files it raises anything
        opinions = pyhanko_opinions(content, workshop.root)
    satisfied = bool(opinions) and all(opinion.bottom_line for opinion in opinions)
    assert satisfied is (rule in PYHANKO_IS_SATISFIED)


class OurStamps(TimeStamper):
    """pyHanko's own document time-stamps, with our authority's tokens."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's has no types
        self._tsa = workshop.tsa

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over the digest."""
        assert md_algorithm == "sha256"
        return cms.ContentInfo.load(self._tsa.stamp(message_digest, NOW))


@pytest.mark.parametrize("turned", [0, 180])
def test_v11_an_invisible_time_stamp_on_a_page_that_is_turned(turned: int, workshop: Workshop) -> None:
    sealed = workshop.seal(tiny_pdf(page={"/Rotate": turned}), tsa=workshop.tsa).content
    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    stamped = signers.PdfTimeStamper(OurStamps(workshop)).timestamp_pdf(writer, "sha256").getvalue()
    with pikepdf.open(BytesIO(stamped)) as pdf:
        assert [float(side) for side in pdf.pages[0].obj.Annots[-1].Rect] == [0, 0, 0, 0]
    assert passes(judged(stamped, attacks.listed(workshop)))


def shadowed(sealed: bytes) -> bytes:
    """With an object behind the seal that nobody names."""
    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    writer.add_object(generic.TextStringObject("shadow"))
    return attacks.written(writer)


def test_v7_what_cannot_be_read_is_no_proof_that_something_forbidden_was_added(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, trust = shadowed(workshop.seal(tiny_pdf()).content), attacks.listed(workshop)
    (report,) = judged(content, trust)
    assert (report.indication, report.sub_indication) == (Indication.TOTAL_FAILED, "FORMAT_FAILURE")
    monkeypatch.setattr(whole, "check_revisions", _unreadable)
    (report,) = judged(content, trust)
    assert report.indication is Indication.TOTAL_FAILED  # by our own reader's word
    monkeypatch.setattr(updates, "check_only_long_term", _unreadable)
    (report,) = judged(content, trust)
    assert report.indication is Indication.INDETERMINATE


def _unreadable(*_: object, **__: object) -> Later:
    raise RuntimeError("it cannot be read")


def test_v7_looks_at_every_signature_whatever_it_finds_at_the_first(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind the newest is forbidden; what stands behind the oldest cannot be read."""
    approved = attacks.signed(IncrementalPdfFileWriter(BytesIO(tiny_pdf())), workshop, "approval")
    content = shadowed(workshop.seal(approved).content)
    truly = check_revisions

    def first_unreadable(pdf: bytes, additions: Any, signed: Signed, *, newest: bool) -> Later:  # noqa: ANN401 - passed on
        if not newest:
            _unreadable()
        return truly(pdf, additions, signed, newest=newest)

    monkeypatch.setattr(whole, "check_revisions", first_unreadable)
    _, report = judged(content, attacks.listed(workshop))
    (check,) = (check for check in report.checks if check.name == "revisions")
    assert check.result is CheckResult.FAILED


def test_a_time_before_the_calendar_begins_is_no_time(workshop: Workshop) -> None:
    sealed = workshop.seal(tiny_pdf(), tsa=workshop.tsa).content
    claimed = re.search(rb"/M\(D:[^)]*\)", sealed)
    assert claimed is not None
    new = b"/M(D:00010101000000+14'00')"
    (report,) = judged(sealed.replace(claimed[0], new.ljust(len(claimed[0]))), attacks.listed(workshop))
    assert failed((report,)) == {"digest"}  # and nothing else: the file can be read
    assert report.sealed_at is None


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [name for name, *_ in ONE_RULE.values()] + ["seal_list", "timestamp"]
    assert set(names) < set(CHECK_NAMES)
    assert len(set(CHECK_NAMES)) == len(CHECK_NAMES)


# Found by the fuzzer at the gate: UnsupportedAlgorithm, or for a bad point ValueError, went through to a 500.
@pytest.mark.parametrize(
    ("is_now", "was"),
    [
        (bytes.fromhex("06072a8648ce3d027f"), bytes.fromhex("06072a8648ce3d0201")),  # an unknown kind of key
        (b"\x03\x42\x00\x04" + bytes(64), None),  # a point that is not on its curve
    ],
    ids=("kind", "point"),
)
def test_a_key_that_cannot_be_read_leaves_the_signature_undecided(
    is_now: bytes, was: bytes | None, workshop: Workshop
) -> None:
    certificate = attacks.key_of(workshop).certificate
    at = certificate.index(b"\x03\x42\x00\x04") if was is None else certificate.index(was)
    strange = load_certificate(certificate[:at] + is_now + certificate[at + len(is_now) :])
    message = read_message(attacks.by_hand(workshop).value())
    with pytest.raises(SignatureError) as refused:
        verify_signature(message, strange)
    assert refused.value.reason == SubIndication.CRYPTO_CONSTRAINTS_FAILURE
