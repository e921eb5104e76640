"""Does this consent cover this request? As a table; and which of several is used."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from vault.model.consent import Asked, Consent, Uncovered, best, uncovered
from vault.model.holders import HolderCode

BANK, OTHER_BANK = "91350100M000100Y43", "91990100MA01000014"
ESTATE, LICENCE = "estate", "licence"
ITEM, OTHER_ITEM = "990100000115001", "990100000117002"
TODAY = date(2026, 11, 23)
MADE = datetime(2026, 11, 23, 2, tzinfo=UTC)
CONSENT = Consent(
    consent_id=UUID(int=1),
    holder_id=UUID(int=9),
    holder=HolderCode.parse("111", "11010519491231002X"),
    organisation=BANK,
    types=frozenset({ESTATE}),
    fields=None,
    service_item=None,
    purpose="办理住房贷款",
    valid_from=date(2026, 11, 20),
    valid_to=date(2026, 11, 30),
    uses_max=2,
    uses_left=2,
    made_at=MADE,
    revoked_at=None,
)
ASKED = Asked(BANK, None, "办理住房贷款")
BY_ITEM = replace(CONSENT, service_item=ITEM, purpose=None)
BY_BOTH = replace(CONSENT, service_item=ITEM)


@pytest.mark.parametrize(
    ("consent", "asked", "type_code", "on", "why"),
    [
        (CONSENT, ASKED, ESTATE, TODAY, None),
        (CONSENT, replace(ASKED, organisation=OTHER_BANK), ESTATE, TODAY, Uncovered.ORGANISATION),
        (CONSENT, ASKED, LICENCE, TODAY, Uncovered.TYPE),
        (CONSENT, replace(ASKED, purpose="营销"), ESTATE, TODAY, Uncovered.PURPOSE),
        (CONSENT, replace(ASKED, purpose=" 办理 住房贷款\u3000"), ESTATE, TODAY, None),
        (CONSENT, replace(ASKED, purpose=None), ESTATE, TODAY, Uncovered.PURPOSE),
        (CONSENT, replace(ASKED, service_item=ITEM), ESTATE, TODAY, None),
        (BY_ITEM, replace(ASKED, service_item=ITEM), ESTATE, TODAY, None),
        (BY_ITEM, Asked(BANK, ITEM, None), ESTATE, TODAY, None),
        (BY_ITEM, replace(ASKED, service_item=OTHER_ITEM), ESTATE, TODAY, Uncovered.SERVICE_ITEM),
        (BY_ITEM, ASKED, ESTATE, TODAY, Uncovered.SERVICE_ITEM),
        (BY_BOTH, replace(ASKED, service_item=ITEM), ESTATE, TODAY, None),
        (BY_BOTH, Asked(BANK, ITEM, None), ESTATE, TODAY, None),
        (BY_BOTH, Asked(BANK, ITEM, "营销"), ESTATE, TODAY, Uncovered.PURPOSE),
        (BY_BOTH, ASKED, ESTATE, TODAY, Uncovered.SERVICE_ITEM),
        (CONSENT, ASKED, ESTATE, date(2026, 11, 19), Uncovered.NOT_YET),
        (CONSENT, ASKED, ESTATE, date(2026, 11, 20), None),
        (CONSENT, ASKED, ESTATE, date(2026, 11, 30), None),
        (CONSENT, ASKED, ESTATE, date(2026, 12, 1), Uncovered.ENDED),
        (replace(CONSENT, uses_left=1), ASKED, ESTATE, TODAY, None),
        (replace(CONSENT, uses_left=0), ASKED, ESTATE, TODAY, Uncovered.USED_UP),
        (replace(CONSENT, revoked_at=MADE), ASKED, ESTATE, TODAY, Uncovered.REVOKED),
        (replace(CONSENT, types=frozenset({ESTATE, LICENCE})), ASKED, LICENCE, TODAY, None),
    ],
)
def test_a_consent_covers_what_it_names_and_nothing_else(
    consent: Consent, asked: Asked, type_code: str, on: date, why: Uncovered | None
) -> None:
    assert uncovered(consent, asked, type_code, on=on) is why


def test_what_was_counted_a_moment_ago_needs_no_use_that_is_left_but_all_the_rest() -> None:
    spent = replace(CONSENT, uses_left=0)
    assert uncovered(spent, ASKED, ESTATE, on=TODAY, again=True) is None
    revoked = replace(spent, revoked_at=MADE)
    assert uncovered(revoked, ASKED, ESTATE, on=TODAY, again=True) is Uncovered.REVOKED


def named(number: int, **changes: object) -> Consent:
    return replace(CONSENT, consent_id=UUID(int=number), **changes)  # type: ignore[arg-type]  # a test's table


@pytest.mark.parametrize(
    ("consents", "again", "number"),
    [
        ([], (), None),
        ([named(1, types=frozenset({LICENCE}))], (), None),
        ([named(1, fields=frozenset({"area"})), named(2)], (), 2),
        ([named(1, valid_to=date(2026, 11, 30)), named(2, valid_to=date(2026, 11, 29))], (), 2),
        ([named(2), named(1)], (), 1),
        ([named(1), named(2, fields=frozenset({"area"}), uses_left=0)], (UUID(int=2),), 2),
        ([named(1, uses_left=0), named(2, fields=frozenset({"area"}))], (), 2),
    ],
)
def test_of_several_the_one_that_was_counted_then_the_whole_face_then_the_first_to_end(
    consents: list[Consent], again: tuple[UUID, ...], number: int | None
) -> None:
    chosen = best(consents, ASKED, ESTATE, on=TODAY, again=again)
    assert (None if chosen is None else chosen.consent_id.int) == number
