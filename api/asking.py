"""Questions by strangers, counted: public verification, the token endpoint, sign-in.

What each may cost is here and nowhere else. Every capacity and speed is multiplied by the setting
`limits_factor`. A unit is one certificate found by number and code.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request

from api.addresses import client_address
from api.edge import Edge
from api.rates import Charge, Rule
from vault.lookup import FOR_HOLDERS, summary_json
from vault.model.actors import ClientGrant, Person
from vault.model.verdict import Unrecognised, Verification
from vault.model.written import number_form
from vault.presentations import presented_face, presented_json, redeem_presentation
from vault.verify import TYPED_MAX_CHARS, by_code, by_token, of_presented, report_json

_LATER = "Too many questions from this network: ask again after the time that Retry-After names."
# A counter hall behind one address may look up ten certificates a second, minute after minute.
VERIFY_ADDRESS = Rule("verify_address", capacity=600, per_second=10, told=_LATER)
# Whoever tries codes for one certificate: thirty wrong ones, then one in ten seconds, from wherever they
# come. The QR code's token is not limited by number: nobody can shut a certificate off by asking for it.
VERIFY_NUMBER = Rule(
    "verify_number",
    capacity=300,
    per_second=1,
    told="This certificate was asked for too often: scan its QR code, or ask again later.",
)
HIT_UNITS = 1
# A person mistypes a code once or twice; thirty misses in a row are a program.
MISS_UNITS = 20
MISS_NUMBER_UNITS = 10
# Reading a stranger's file costs as much as ten look-ups (docs/performance.md).
FILE_UNITS = 10

# Each code of a presentation that a stranger tries may cost a transaction that writes: two a second.
PRESENTED_UNITS = 5

# A client needs a token in ten minutes; each of its processes may fetch its own.
TOKEN_CLIENT = Rule(
    "token_client", capacity=60, per_second=1, told="Tokens live ten minutes: use the one that you have."
)
TOKEN_ADDRESS = Rule("token_address", capacity=600, per_second=10, told=_LATER)
TOKEN_UNITS = 1
REFUSED_TOKEN_UNITS = 10

# The way to the provider and the way back are a step each, and each writes a row: three hundred people may
# come in behind one address at eight o'clock. Passwords are tried at the provider, which has limits for that.
SIGNIN_ADDRESS = Rule("signin_address", capacity=600, per_second=10, told=_LATER)
SIGNIN_UNITS = 1


def address_of(edge: Edge, request: Request) -> str:
    """Where this request came from, as it is counted."""
    peer = request.client
    return client_address(
        None if peer is None else peer.host, request.headers.raw, edge.settings.trusted_proxies
    )


async def asked_by_code(edge: Edge, request: Request, number: str, code: str, at: datetime) -> Verification:
    """The certificate with this number and code, where the questioner and the number have room.

    Raises:
        TooMany: they have not.
        Unavailable: the database does not answer.
    """
    of_address = Charge(VERIFY_ADDRESS, address_of(edge, request))
    of_number = Charge(VERIFY_NUMBER, number_form(number[:TYPED_MAX_CHARS]))
    address, asked = edge.limiter.admit((of_address, of_number), HIT_UNITS)
    found = await by_code(edge.reader, number, code, at=at)
    missed = isinstance(found.verdict, Unrecognised)
    # In either case, of nothing where it is a hit: so both take the same time.
    edge.limiter.surcharge((address,), (MISS_UNITS - HIT_UNITS) * missed)
    edge.limiter.surcharge((asked,), (MISS_NUMBER_UNITS - HIT_UNITS) * missed)
    return found


async def asked_by_token(edge: Edge, request: Request, token: str, at: datetime) -> Verification:
    """The certificate whose QR holds this token, where the questioner has room.

    Raises:
        TooMany: they have not.
        Unavailable: the database does not answer.
    """
    accounts = edge.limiter.admit((Charge(VERIFY_ADDRESS, address_of(edge, request)),), HIT_UNITS)
    found = await by_token(edge.reader, token, at=at)
    missed = isinstance(found.verdict, Unrecognised)
    edge.limiter.surcharge(accounts, (MISS_UNITS - HIT_UNITS) * missed)
    return found


def admit_file(edge: Edge, request: Request) -> None:
    """Counts a file before it is judged.

    Raises:
        TooMany: the questioner has no room.
    """
    edge.limiter.admit((Charge(VERIFY_ADDRESS, address_of(edge, request)),), FILE_UNITS)


def admit_presented_code(edge: Edge, request: Request) -> None:
    """Counts the code of a presentation that a stranger shows.

    Raises:
        TooMany: the questioner has no room.
    """
    edge.limiter.admit((Charge(VERIFY_ADDRESS, address_of(edge, request)),), PRESENTED_UNITS)


def seen_by_code(
    edge: Edge, verifier: ClientGrant | Person | None, code: str, at: datetime
) -> dict[str, Any]:
    """The report on what a holder shows by a code, with who shows it: once. `verifier`: who sees it.

    Raises:
        CodeOpensNothing: the code is wrong, was used before, or is too old.
        Unavailable: the database does not answer.
    """
    presented = redeem_presentation(edge.workshop, verifier, code, at=at)
    types = edge.workshop.shelf.types(at)
    whole = summary_json(presented.certificate, types, files_at=FOR_HOLDERS)
    shown = presented_face(presented, whole)
    found = of_presented(presented.certificate, presented.ended, shown, at=at)
    return {**report_json(found), "presentation": presented_json(presented)}


def token_charges(edge: Edge, request: Request, client_id: str) -> tuple[Charge, ...]:
    """What a request for a token is counted on: nobody elsewhere can use up a client's own room."""
    address = address_of(edge, request)
    return Charge(TOKEN_CLIENT, f"{client_id[:TYPED_MAX_CHARS]} {address}"), Charge(TOKEN_ADDRESS, address)


def admit_sign_in(edge: Edge, request: Request) -> None:
    """Counts a step of a sign-in.

    Raises:
        TooMany: this network has begun or ended too many.
    """
    edge.limiter.admit((Charge(SIGNIN_ADDRESS, address_of(edge, request)),), SIGNIN_UNITS)
