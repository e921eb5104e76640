"""When a use ends, and in what words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from vault.model.certificate import Status
from vault.model.in_force import NotInForceNow, why_not_in_force
from vault.model.legal_time import day_ends, legal_day
from vault.model.lifecycle import OutOfForce
from vault.model.use import Subject, SubjectKind, UseEnd, UseRecord, end_sentence, use_ends

# 23:30 in China, and the day before in UTC's afternoon
AT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
USE = UseRecord(
    use_id=UUID(int=7),
    made_by="suite",
    subject=Subject(SubjectKind.CERTIFICATE, UUID(int=1)),
    service_item="990100000117002",
    case_number="SL-1",
    purpose="样例",
    organisation="样例市",
    clerk=None,
    made_at=AT,
    expires_at=use_ends(AT, None),
    revoked_at=None,
    copy=None,
)


def test_a_day_ends_when_it_ends_in_china() -> None:
    end = day_ends(date(2026, 12, 31))
    assert end == datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (legal_day(end), legal_day(end - timedelta(microseconds=1))) == (
        date(2027, 1, 1),
        date(2026, 12, 31),
    )
    assert end.tzinfo is UTC


@pytest.mark.parametrize(
    ("at", "valid_to", "last"),
    [
        (AT, None, date(2026, 12, 22)),
        (AT + timedelta(minutes=30), None, date(2026, 12, 23)),
        (AT, date(2026, 12, 1), date(2026, 12, 1)),
        (AT, date(2026, 11, 22), date(2026, 11, 22)),
        (AT, date(2031, 1, 1), date(2026, 12, 22)),
    ],
)
def test_a_use_ends_after_thirty_days_or_with_what_is_used(
    at: datetime, valid_to: date | None, last: date
) -> None:
    use = replace(USE, expires_at=use_ends(at, valid_to))
    assert use.last_day == last
    assert use.end(use.expires_at - timedelta(microseconds=1)) is None
    assert use.end(use.expires_at) is UseEnd.EXPIRED


def test_revoked_counts_more_than_run_out() -> None:
    revoked = replace(USE, revoked_at=AT + timedelta(hours=1))
    assert revoked.end(AT) is None
    assert revoked.end(AT + timedelta(hours=1)) is UseEnd.REVOKED
    assert revoked.end(USE.expires_at) is UseEnd.REVOKED
    assert end_sentence(revoked, UseEnd.REVOKED) == "The use was revoked on 2026-11-23."
    assert end_sentence(USE, UseEnd.EXPIRED) == "The use ran out after 2026-12-22."


def test_nothing_personal_is_shown_by_repr() -> None:
    assert "样例" not in repr(USE)
    assert "SL-1" not in repr(USE)


ENDED = OutOfForce(date(2026, 11, 20), "样例", "1.2.156.x")


@pytest.mark.parametrize(
    ("status", "ended", "on", "why"),
    [
        (Status.VALID, None, date(2026, 11, 22), None),
        (Status.VALID, None, date(2026, 10, 1), None),
        (Status.VALID, None, date(2026, 12, 31), None),
        (
            Status.VALID,
            None,
            date(2026, 9, 30),
            NotInForceNow("not_yet_valid", "The certificate is valid from 2026-10-01 only."),
        ),
        (
            Status.VALID,
            None,
            date(2027, 1, 1),
            NotInForceNow("expired", "The certificate ran out on 2026-12-31."),
        ),
        (
            Status.SUPERSEDED,
            ENDED,
            date(2026, 11, 22),
            NotInForceNow(
                "superseded",
                "The certificate was superseded on 2026-11-20 by 1.2.156.x. Reason given: 样例",
            ),
        ),
        (
            Status.REVOKED,
            None,
            date(2026, 11, 22),
            NotInForceNow("revoked", "The certificate is revoked."),
        ),
    ],
)
def test_why_a_certificate_is_not_in_force(
    status: Status, ended: OutOfForce | None, on: date, why: NotInForceNow | None
) -> None:
    assert why_not_in_force(status, ended, date(2026, 10, 1), date(2026, 12, 31), on=on) == why
