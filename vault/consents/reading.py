"""From a request's JSON to a consent that can be granted: every problem at its JSON pointer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vault.errors import FieldProblem, InputError
from vault.model.consent import DAYS_MAX, USES_MAX, Consent
from vault.model.credit_code import SocialCreditCode
from vault.model.face import field_problems
from vault.model.granted import Period, read_period, read_types
from vault.model.legal_time import legal_day
from vault.model.written import hides_something, text_form
from vault.shelf import CatalogueShelf

# As a use's purpose, with which it is compared.
PURPOSE_MAX_CHARS = 60


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What a holder grants; the fields are those of `vault.model.consent.Consent`."""

    organisation: str
    types: frozenset[str]
    fields: frozenset[str] | None
    service_item: str | None
    purpose: str | None = field(repr=False)
    period: Period
    uses: int

    def is_the_same(self, consent: Consent) -> bool:
        """Whether this was granted by that consent, of the same holder."""
        return (
            (self.organisation, self.types, self.fields, self.service_item, self.purpose)
            == (consent.organisation, consent.types, consent.fields, consent.service_item, consent.purpose)
        ) and (self.period.first, self.period.last, self.uses) == (
            consent.valid_from,
            consent.valid_to,
            consent.uses_max,
        )


def read_consent(shelf: CatalogueShelf, request: Mapping[str, Any], *, at: datetime) -> ConsentRequest:
    """Checks a request's JSON (its shape is the contract's already) against the catalogue in force.

    Raises:
        InputError: with one problem for each bad field.
        Unavailable: the database does not answer.
    """
    problems: list[FieldProblem] = []
    organisation = _organisation(problems, request["organisation"])
    kinds = read_types(problems, request["types"], shelf.types(at))
    fields: list[str] | None = request.get("fields")
    if fields is not None:
        problems.extend(field_problems(fields, kinds))
    item: str | None = request.get("service_item")
    if item is not None and item not in shelf.items(at):
        detail = (
            "There is no service item with this code in force; GET /v1/catalogue/service-items lists them."
        )
        problems.append(FieldProblem("/service_item", detail))
    purpose = None if request.get("purpose") is None else _purpose(problems, request["purpose"])
    if item is None and request.get("purpose") is None:
        problems.append(FieldProblem("/purpose", "Say what for: a purpose, a service item, or both."))
    period = read_period(problems, request, days_max=DAYS_MAX, on=legal_day(at))
    uses = request["uses"]
    if not 1 <= uses <= USES_MAX:
        problems.append(FieldProblem("/uses", f"Expected 1 to {USES_MAX}."))
    if problems or period is None:
        count = len(problems)
        raise InputError(f"{count} field{' is' if count == 1 else 's are'} wrong.", *problems)
    return ConsentRequest(
        organisation=organisation,
        types=frozenset(kind.code for kind in kinds),
        fields=None if fields is None else frozenset(fields),
        service_item=item,
        purpose=purpose,
        period=period,
        uses=uses,
    )


def _organisation(problems: list[FieldProblem], code: str) -> str:
    try:
        return SocialCreditCode.parse(code).value
    except InputError as error:
        problems.append(FieldProblem("/organisation", error.detail))
        return ""


def _purpose(problems: list[FieldProblem], text: str) -> str:
    purpose = text_form(text)
    if not 1 <= len(purpose) <= PURPOSE_MAX_CHARS or hides_something(purpose):
        detail = f"Expected 1 to {PURPOSE_MAX_CHARS} printable characters."
        problems.append(FieldProblem("/purpose", detail))
    return purpose
