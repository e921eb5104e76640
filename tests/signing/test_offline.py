"""What a QR code's text is worth with no network: proved, not proved, or refused, each with its reason."""

import hashlib
import zlib
from dataclasses import replace
from datetime import date, timedelta

import pytest

from signing import base45
from signing.cose import read_sign1
from signing.offline import LIST_OLD, OfflineReport, OfflineVerdict, judge_offline, states, status_line
from signing.statement import write_statement
from signing.trust_list import TrustList
from tests.signing.statements import AS_OF, STATEMENT, listed, statement_key, trust, url_of
from vault.model.certificate import Status
from vault.model.statement import Covers, DocumentMark, Statement
from vault.model.verdict import CheckResult

KEY = statement_key()
TRUST = trust(listed(KEY))
DAY = timedelta(days=1)
LATER = AS_OF + 12 * DAY


def judged(statement: Statement = STATEMENT, *, trust_list: TrustList = TRUST) -> OfflineReport:
    return judge_offline(url_of(statement, KEY), trust_list, at=LATER)


def found(report: OfflineReport) -> dict[str, CheckResult]:
    return {check.name: check.result for check in report.checks}


def test_a_statement_is_genuine_as_of_its_time_and_says_how_old_it_is() -> None:
    report = judged()
    assert report.verdict is OfflineVerdict.GENUINE
    assert report.statement == STATEMENT
    assert report.age == 12 * DAY
    assert set(found(report).values()) == {CheckResult.PASSED}
    assert status_line(STATEMENT, LATER) == "Status as of 2026-11-23 16:00 in China, 12 days old: valid."
    assert "12 days old" in next(check.detail for check in report.checks if check.name == "time")


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-40), "0 minutes old"),
        (timedelta(seconds=59), "0 minutes old"),
        (timedelta(minutes=1), "1 minute old"),
        (timedelta(minutes=119), "1 hour old"),
        (timedelta(hours=47), "1 day old"),
        (timedelta(days=400), "400 days old"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(age: timedelta, text: str) -> None:
    assert f", {text}: " in status_line(STATEMENT, AS_OF + age)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": Status.SUSPENDED}, "suspended"),
        ({"status": Status.REVOKED}, "revoked"),
        ({"valid_from": date(2027, 1, 1)}, "not_yet_valid"),
        ({"valid_to": date(2026, 12, 1)}, "expired"),
    ],
)
def test_what_is_not_in_force_is_told(change: dict[str, object], reason: str) -> None:
    report = judged(replace(STATEMENT, **change))  # type: ignore[arg-type]  # fields of a statement
    assert (report.verdict, report.reason) == (OfflineVerdict.NOT_IN_FORCE, reason)
    assert found(report)["in_force"] is CheckResult.FAILED
    assert found(report)["signature"] is CheckResult.PASSED


def test_the_last_day_is_one_in_china() -> None:
    last = replace(STATEMENT, valid_to=date(2026, 12, 5))
    before, after = AS_OF.replace(month=12, day=5, hour=15), AS_OF.replace(month=12, day=5, hour=16)
    assert judge_offline(url_of(last, KEY), TRUST, at=before).verdict is OfflineVerdict.GENUINE
    assert judge_offline(url_of(last, KEY), TRUST, at=after).verdict is OfflineVerdict.NOT_IN_FORCE


def test_a_key_that_the_list_does_not_have_proves_nothing() -> None:
    report = judged(trust_list=trust(listed(statement_key())))
    assert report.verdict is OfflineVerdict.NOT_PROVEN
    assert (found(report)["key"], found(report)["signature"]) == (CheckResult.UNKNOWN, CheckResult.UNKNOWN)


def test_a_revoked_key_proves_nothing_however_old_its_statement_says_it_is() -> None:
    revoked = listed(KEY, signs_until=AS_OF + DAY, revoked_at=AS_OF + DAY)
    report = judged(trust_list=trust(revoked))
    assert report.verdict is OfflineVerdict.NOT_PROVEN
    assert found(report)["key"] is CheckResult.UNKNOWN


@pytest.mark.parametrize(
    "key",
    [
        listed(KEY, signs_from=AS_OF + timedelta(seconds=1)),
        listed(KEY, signs_until=AS_OF),
        listed(KEY, signs_until=AS_OF - DAY),
    ],
)
def test_a_key_that_did_not_sign_at_that_time_has_not_signed_it(key: object) -> None:
    report = judged(trust_list=trust(key))  # type: ignore[arg-type]  # a listed key
    assert report.verdict is OfflineVerdict.NOT_GENUINE
    assert found(report)["key"] is CheckResult.FAILED


def test_a_key_that_signed_then_and_ended_since_still_proves_it() -> None:
    ended = listed(KEY, signs_from=AS_OF, signs_until=AS_OF + timedelta(seconds=1))
    assert judged(trust_list=trust(ended)).verdict is OfflineVerdict.GENUINE


def test_somebody_elses_signature_under_the_keys_name_is_refused() -> None:
    forger = replace(statement_key(), public=KEY.public)
    report = judge_offline(url_of(STATEMENT, forger), TRUST, at=LATER)
    assert report.verdict is OfflineVerdict.NOT_GENUINE
    assert found(report) | {"key": CheckResult.PASSED, "signature": CheckResult.FAILED} == found(report)


def test_a_changed_statement_is_not_genuine() -> None:
    """Its status put right inside what was signed: it reads well, and the signature alone tells."""
    suspended, valid = (
        inflated(replace(STATEMENT, status=each)) for each in (Status.SUSPENDED, Status.VALID)
    )
    changed = suspended.replace(read_sign1(suspended).payload, read_sign1(valid).payload)
    assert changed != suspended
    deflate = zlib.compressobj(wbits=-15)
    report = judge_offline(base45.encode(deflate.compress(changed) + deflate.flush()), TRUST, at=LATER)
    assert report.statement == STATEMENT
    assert report.verdict is OfflineVerdict.NOT_GENUINE
    assert found(report) | {"key": CheckResult.PASSED, "signature": CheckResult.FAILED} == found(report)


def inflated(statement: Statement) -> bytes:
    """The COSE_Sign1 in a QR's text."""
    return zlib.decompress(base45.decode(write_statement(statement, KEY)), wbits=-15)


def test_a_statement_from_the_future_is_refused_and_clocks_may_differ_a_little() -> None:
    text = url_of(STATEMENT, KEY)
    early = judge_offline(text, TRUST, at=AS_OF - timedelta(minutes=6))
    assert early.verdict is OfflineVerdict.NOT_GENUINE
    assert found(early)["time"] is CheckResult.FAILED
    allowed = judge_offline(text, TRUST, at=AS_OF - timedelta(minutes=4))
    assert found(allowed)["time"] is CheckResult.PASSED


def test_an_old_list_is_said_to_be_old() -> None:
    at = AS_OF + LIST_OLD
    assert found(judge_offline(url_of(STATEMENT, KEY), TRUST, at=at))["trust_list"] is CheckResult.PASSED
    old = judge_offline(url_of(STATEMENT, KEY), TRUST, at=at + DAY)
    assert old.verdict is OfflineVerdict.GENUINE
    assert found(old)["trust_list"] is CheckResult.UNKNOWN
    assert "31 days old" in old.checks[-2].detail


@pytest.mark.parametrize("address", ["https://vault.example.evil", "http://vault.example", "https://[::"])
def test_a_code_that_leads_elsewhere_is_told(address: str) -> None:
    text = url_of(STATEMENT, KEY).replace(TRUST.vault, address)
    assert found(judge_offline(text, TRUST, at=LATER))["address"] is CheckResult.FAILED


def test_what_is_no_statement_is_a_report_too() -> None:
    report = judge_offline("https://vault.example/v#t=abc", TRUST, at=LATER)
    assert report.verdict is OfflineVerdict.NOT_GENUINE
    assert (report.statement, report.age) == (None, None)


# --- the file ----------------------------------------------------------------------------------------

UNSEALED = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n"
SEALED = UNSEALED + b"2 0 obj\nendobj\nstartxref\n60\n%%EOF\n"


def _mark(covers: Covers, content: bytes) -> DocumentMark:
    return DocumentMark(covers, hashlib.sha256(content).digest()[:12])


@pytest.mark.parametrize("blanks", [b"", b"\n", b"\r\n", b"\r", b" \n\n"])
def test_a_sealed_file_begins_with_what_was_stated(blanks: bytes) -> None:
    unsealed = UNSEALED.rstrip() + blanks
    mark = _mark(Covers.UNSEALED, unsealed)
    sealed = unsealed + b"\n2 0 obj\n%%EOF\n"
    assert states(mark, sealed)
    assert states(mark, sealed + b"3 0 obj\n%%EOF\n")  # time-stamped since
    assert not states(mark, b"%PDF-1.6" + sealed[8:])


def test_a_display_states_the_whole_file() -> None:
    mark = _mark(Covers.SEALED, SEALED)
    assert states(mark, SEALED)
    assert states(mark, SEALED + b"3 0 obj\n%%EOF\n")  # raised since
    assert not states(mark, SEALED[:-1] + b"\r")
    assert not states(mark, UNSEALED)
    assert states(_mark(Covers.SEALED, b"no end mark"), b"no end mark")


def test_another_file_is_not_the_one_that_is_stated() -> None:
    stated = replace(STATEMENT, document=_mark(Covers.UNSEALED, UNSEALED))
    text = url_of(stated, KEY)
    right = judge_offline(text, TRUST, at=LATER, document=SEALED)
    wrong = judge_offline(text, TRUST, at=LATER, document=SEALED.replace(b"1 0 obj", b"9 0 obj"))
    assert right.verdict is OfflineVerdict.GENUINE
    assert wrong.verdict is OfflineVerdict.NOT_GENUINE
    assert found(wrong)["document"] is CheckResult.FAILED


def test_a_file_of_end_marks_alone_costs_little() -> None:
    assert not states(_mark(Covers.UNSEALED, b"x"), b"%%EOF" * 2_000_000)
