"""Deposits: a completed case hands in its results; its receipts can be asked for again."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from api.answers import DepositOut, MayCloseOut, problems
from api.deps import ClientHere, EdgeHere, StrictRoute, now
from api.schemas import TEXT_MAX_CHARS, DepositIn
from vault.closing import missing_of_case
from vault.deposit import hand_in, receipt_json
from vault.lookup import of_case
from vault.model.certificate import CertificateRecord
from vault.model.written import case_number_form

router = APIRouter(tags=["deposit"], route_class=StrictRoute)

# PostgreSQL takes no U+0000 in a text.
NO_NUL = r"^[^\x00]+$"
CaseNumber = Annotated[str, Path(max_length=TEXT_MAX_CHARS, pattern=NO_NUL)]


@router.post(
    "/v1/deposits",
    summary="Deposit a completed case",
    status_code=201,
    response_model=DepositOut,
    responses={
        200: {"model": DepositOut, "description": "The case was deposited before: the same receipts."},
        **problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
)
def post_deposit(body: DepositIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Seals, stores and indexes every result of the case: all of it or nothing.

    Idempotent by client and case number: send the same body again after any failure, as often as needed.
    The same number with other contents is refused (409) and says what differs.
    """
    at = now()
    done = hand_in(
        edge.workshop,
        client,
        body.model_dump(exclude_unset=True),
        listed_items_only=edge.settings.listed_items_only,
        at=at,
    )
    return _receipts(edge, done.case_number, done.certificates, 200 if done.repeated else 201)


# Before the route of the receipts, whose number takes every slash.
@router.get(
    "/v1/cases/{number:path}/may-close",
    summary="May the case close?",
    response_model=MayCloseOut,
    responses=problems(401, 422, 503),
)
def get_may_close(number: CaseNumber, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Yes, once the vault has committed the case with every certificate that it reserved.

    A case that was never deposited is no 404: it is the one that must not close.
    A slash in the number may stand as it is, or as %2F.
    """
    missing = missing_of_case(edge.workshop, client, number)
    return JSONResponse({"may_close": not missing, "missing": list(missing)})


@router.get(
    "/v1/cases/{number:path}",
    summary="A case's receipts again",
    response_model=DepositOut,
    responses=problems(401, 404, 422, 503),
)
def get_case(number: CaseNumber, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """What the deposit of this case answered; the look is recorded. A slash may stand as it is, or as %2F.

    A number that itself ends in `/may-close` cannot be asked for: it is the other question.
    """
    found = of_case(edge.workshop, client, number, at=now())
    return _receipts(edge, case_number_form(number), found, 200)


def _receipts(
    edge: EdgeHere, number: str, records: tuple[CertificateRecord, ...], status: int
) -> JSONResponse:
    public_url = edge.settings.public_url
    answer: dict[str, Any] = {
        "case_number": number,
        "receipts": [receipt_json(record, public_url) for record in records],
    }
    return JSONResponse(answer, status)
