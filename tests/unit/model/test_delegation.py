"""May this delegate do this? As a table; when a presentation opens; and what a chosen face shows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from vault.model.delegation import DelegatedAction, Delegation, Unable, unable
from vault.model.face import chosen_face
from vault.model.holders import HolderCode
from vault.model.presentation import CODE_LIFETIME, Presentation

DELEGATE = HolderCode.parse("111", "11010519491231002X")
STRANGER = HolderCode.parse("111", "440524188001010014")
ESTATE, LICENCE = "estate", "licence"
TODAY, MADE = date(2026, 11, 23), datetime(2026, 11, 23, 2, tzinfo=UTC)
DELEGATION = Delegation(
    delegation_id=UUID(int=1),
    holder_id=UUID(int=9),
    holder_name="张样例",
    delegate=DELEGATE,
    types=frozenset({ESTATE}),
    actions=frozenset({DelegatedAction.DOWNLOAD}),
    valid_from=date(2026, 11, 20),
    valid_to=date(2026, 11, 30),
    made_at=MADE,
    accepted_at=MADE,
    revoked_at=None,
)
DOWNLOAD, PRESENT = DelegatedAction.DOWNLOAD, DelegatedAction.PRESENT


@pytest.mark.parametrize(
    ("delegation", "code", "action", "type_code", "on", "why"),
    [
        (DELEGATION, DELEGATE, DOWNLOAD, ESTATE, TODAY, None),
        (DELEGATION, DELEGATE, None, None, TODAY, None),
        (DELEGATION, STRANGER, None, None, TODAY, Unable.NOT_THEIRS),
        (DELEGATION, DELEGATE, PRESENT, ESTATE, TODAY, Unable.ACTION),
        (DELEGATION, DELEGATE, DOWNLOAD, LICENCE, TODAY, Unable.TYPE),
        (DELEGATION, DELEGATE, DOWNLOAD, ESTATE, date(2026, 11, 19), Unable.NOT_YET),
        (DELEGATION, DELEGATE, DOWNLOAD, ESTATE, date(2026, 11, 20), None),
        (DELEGATION, DELEGATE, DOWNLOAD, ESTATE, date(2026, 11, 30), None),
        (DELEGATION, DELEGATE, DOWNLOAD, ESTATE, date(2026, 12, 1), Unable.ENDED),
        (replace(DELEGATION, accepted_at=None), DELEGATE, None, None, TODAY, Unable.NOT_ACCEPTED),
        (replace(DELEGATION, revoked_at=MADE), DELEGATE, None, None, TODAY, Unable.REVOKED),
    ],
)
def test_a_delegate_may_do_what_was_delegated_and_nothing_else(
    delegation: Delegation,
    code: HolderCode,
    action: DelegatedAction | None,
    type_code: str | None,
    on: date,
    why: Unable | None,
) -> None:
    assert unable(delegation, code, action, type_code, on=on) is why


PRESENTATION = Presentation(
    presentation_id=UUID(int=1),
    certificate_id=UUID(int=2),
    holder_id=UUID(int=3),
    delegation_id=None,
    made_by=UUID(int=4),
    fields=None,
    made_at=MADE,
    expires_at=MADE + CODE_LIFETIME,
    redeemed_at=None,
    withdrawn=False,
)


@pytest.mark.parametrize(
    ("presentation", "after", "opens"),
    [
        (PRESENTATION, timedelta(0), True),
        (PRESENTATION, CODE_LIFETIME - timedelta(microseconds=1), True),
        (PRESENTATION, CODE_LIFETIME, False),
        (replace(PRESENTATION, redeemed_at=MADE), timedelta(0), False),
        (replace(PRESENTATION, withdrawn=True), timedelta(0), False),
    ],
)
def test_a_code_opens_once_and_for_five_minutes(
    presentation: Presentation, after: timedelta, *, opens: bool
) -> None:
    assert presentation.opens(MADE + after) is opens
    assert timedelta(minutes=5) == CODE_LIFETIME


WHOLE: dict[str, Any] = {
    "identifier": "1.2.156",
    "number": "J990102-2026-000118",
    "holders": [{"code_type": "111", "code": "11010519491231002X", "name": "张样例"}],
    "status": "valid",
    "fields": {"area": 90, "use": "住宅"},
    "documents": [{"format": "pdf"}],
}


@pytest.mark.parametrize(
    ("fields", "number", "holders", "face", "documents"),
    [
        (None, WHOLE["number"], WHOLE["holders"], WHOLE["fields"], WHOLE["documents"]),
        ({"area"}, None, [], {"area": 90}, []),
        ({"number", "holders"}, WHOLE["number"], WHOLE["holders"], {}, []),
        ({"area", "absent"}, None, [], {"area": 90}, []),
        ({"number", "holders", "area", "use"}, WHOLE["number"], WHOLE["holders"], WHOLE["fields"], []),
    ],
)
def test_what_was_not_chosen_is_not_there(
    fields: set[str] | None, number: object, holders: object, face: object, documents: object
) -> None:
    shown = chosen_face(WHOLE, fields)
    assert (shown["number"], shown["holders"], shown["fields"]) == (number, holders, face)
    assert shown["documents"] == documents
    assert (shown["identifier"], shown["status"]) == ("1.2.156", "valid")
