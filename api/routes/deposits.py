"""Deposits: a completed case hands in its results; its receipts can be asked for again."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.answers import DepositOut, MayCloseOut, problems
from api.deps import ClientHere, EdgeHere, StrictRoute, client_named, edge_of, now
from api.edge import Edge
from api.limits import refuse_announced
from api.problems import MalformedRequestError, MediaTypeError
from api.schemas import TEXT_MAX_CHARS, DepositIn
from vault.closing import missing_of_case
from vault.deposit import hand_in, receipt_json
from vault.deposit_tally import DEPOSITED, INTERNAL, REPEATED
from vault.errors import InputError, NotAuthenticated, TooLarge, VaultError
from vault.lookup import of_case
from vault.model.certificate import CertificateRecord
from vault.model.written import case_number_form

DEPOSITS = "/v1/deposits"
# Why a body is refused as soon as it is read.
_BEFORE_ANYBODY_ASKS = frozenset({MalformedRequestError.kind, MediaTypeError.kind, TooLarge.kind})


class CountedRoute(StrictRoute):
    """Counts what became of each deposit of a client that is known, also where the body itself is refused."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, watched where it takes deposits."""
        handle = super().get_route_handler()
        if self.path != DEPOSITS:
            return handle

        async def counted(request: Request) -> Response:
            at, outcome = now(), INTERNAL
            try:
                refuse_announced(request.scope)
                answer = await handle(request)
                outcome = DEPOSITED if answer.status_code == HTTPStatus.CREATED else REPEATED
            except RequestValidationError:
                outcome = InputError.kind
                raise
            except VaultError as error:
                outcome = error.kind
                raise
            except HTTPException as error:
                outcome = error.__cause__.kind if isinstance(error.__cause__, VaultError) else INTERNAL
                raise
            finally:
                edge = await edge_of(request)
                client_id = getattr(request.state, "client_id", None) or _sender(edge, request, outcome)
                if client_id is not None:
                    edge.deposits.note(client_id, outcome, at)
            return answer

        return counted


def _sender(edge: Edge, request: Request, outcome: str) -> str | None:
    """Whose token came with a body that was refused before anybody asked who sends it."""
    if outcome not in _BEFORE_ANYBODY_ASKS:
        return None
    try:
        return client_named(edge, request.headers.get("authorization"))
    except NotAuthenticated:
        return None


router = APIRouter(tags=["deposit"], route_class=CountedRoute)

# PostgreSQL takes no U+0000 in a text.
NO_NUL = r"^[^\x00]+$"
CaseNumber = Annotated[str, Path(max_length=TEXT_MAX_CHARS, pattern=NO_NUL)]


@router.post(
    DEPOSITS,
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
