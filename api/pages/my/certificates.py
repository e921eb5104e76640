"""The holder's certificates: cards that look like them, one page for each, and the pictures."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import EdgeHere, now
from api.edge import Edge
from api.pages.my.visiting import VisitHere, id_in
from api.pages.rendering import pages_of
from api.pages.signed_in import person_at, to_sign_in
from vault.catalogue import face_texts
from vault.lookup import FOR_HOLDERS, of_person, summary_json
from vault.model.access import Action, Kind, not_there, refusal
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord, Status
from vault.model.legal_time import legal_day
from vault.picture import PictureSize, picture_for_holder

router = APIRouter()

# Most renewals are applied for within the last month; some have to be sooner, so that nobody is late.
ENDS_SOON_DAYS = 90
_COMING = "not_yet_valid"
# Layouts whose pages stand upright; the others lie. A page that was handed in may do either: it fits in both.
_UPRIGHT = frozenset({"permit-portrait", "approval-document", "proof-letter"})


@router.get("/my")
def my_page(request: Request, edge: EdgeHere) -> Response:
    """The certificates of whoever is signed in, none for staff who hold none here; others sign in first."""
    at = now()
    person = person_at(request, edge, at)
    if person is None:
        return to_sign_in(request)
    if refusal(person, Action.LIST_OWN) is not None:
        return pages_of(request).render(request, "my/not_a_holder.html", person=person)
    cards = [card(edge, record, at) for record in of_person(edge.workshop, person, at=at)]
    return pages_of(request).render(
        request,
        "my/certificates.html",
        person=person,
        in_force=[each for each in cards if each["good"]],
        coming=[each for each in cards if each["standing"] == _COMING],
        unusable=[each for each in cards if not each["good"] and each["standing"] != _COMING],
        done=request.query_params.get("done"),
    )


@router.get("/my/certificates/{certificate_id}")
def certificate_page(certificate_id: str, request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """One certificate with its face, files, and what can be done with it."""
    person, at = visit
    record = own(edge, person, id_in(certificate_id), at)
    kind = edge.workshop.shelf.types(at).get(record.type_code)
    face = [] if kind is None else face_texts(kind, record.fields)
    return pages_of(request).render(
        request, "my/certificate.html", person=person, c=card(edge, record, at), face=face
    )


@router.get("/my/certificates/{certificate_id}/picture")
def certificate_picture(
    certificate_id: str, edge: EdgeHere, visit: VisitHere, size: str = "card"
) -> Response:
    """The first page of the sealed file as a picture, for a `card` or a `page`. Kept by nobody on the way."""
    person, at = visit
    wanted = PictureSize.PAGE if size == "page" else PictureSize.CARD
    picture = picture_for_holder(
        edge.workshop, person, id_in(certificate_id), wanted, at=at, draw_with=edge.judges.picture
    )
    return Response(picture, media_type="image/webp")


def own(edge: Edge, person: Person, certificate_id: UUID, at: datetime) -> CertificateRecord:
    """A certificate of the signed-in person.

    Raises:
        NotFound: they have no such certificate.
        Unavailable: the database does not answer.
    """
    return found_among(of_person(edge.workshop, person, at=at), certificate_id)


def card(
    edge: Edge, record: CertificateRecord, at: datetime, *, delegation_id: UUID | None = None
) -> dict[str, Any]:
    """A certificate as its card and its page show it, over the contract's JSON.

    `standing`: its status, `expired` or `not_yet_valid`; `good`: in force today; `days_left`: until its
    end, where that is near; `formats`: its newest file in each; `wide`: its page lies.
    """
    types = edge.workshop.shelf.types(at)
    shown = summary_json(record, types, files_at=FOR_HOLDERS, on_behalf_of=delegation_id)
    kind, today = types.get(record.type_code), legal_day(at)
    standing = _standing(record, today)
    left = None if record.valid_to is None else (record.valid_to - today).days
    near = left is not None and standing == Status.VALID.value and left <= ENDS_SOON_DAYS
    return {
        **shown,
        "type_name_en": "" if kind is None else kind.name_en,
        "category": "certificate" if kind is None else kind.category.value,
        "wide": kind is not None and kind.template not in _UPRIGHT,
        "standing": standing,
        "good": standing == Status.VALID.value,
        "days_left": left if near else None,
        "formats": _newest_of_each(shown["documents"]),
        "has_picture": any(each["format"] == "pdf" for each in shown["documents"]),
    }


def _standing(record: CertificateRecord, today: date) -> str:
    if record.status is not Status.VALID:
        return record.status.value
    if record.valid_to is not None and record.valid_to < today:
        return "expired"
    return _COMING if record.valid_from > today else record.status.value


def _newest_of_each(documents: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    newest: dict[str, Mapping[str, Any]] = {}
    for each in documents:
        newest.setdefault(each["format"], each)
    return sorted(newest.values(), key=lambda each: each["format"], reverse=True)  # PDF first


def found_among(held: tuple[CertificateRecord, ...], certificate_id: UUID) -> CertificateRecord:
    """The one of these with this id.

    Raises:
        NotFound: there is none.
    """
    found = next((each for each in held if each.certificate_id == certificate_id), None)
    if found is None:
        raise not_there(Kind.CERTIFICATE)
    return found
