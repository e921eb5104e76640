"""A paper on the counter: compared with its original, scanned, and archived as a material of level B.

The desk hands it in as an approval system would, through a client of its own for each organisation that has
neither secret nor keys, so that nobody comes in by it; the clerk then verifies it as any material of level C.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage import clients
from storage.cases import completed_before
from storage.holders import about
from storage.materials import ArchivedMaterial, find_material, material_of_case
from vault.deposit import hand_in
from vault.desk.reading import Slip, Slips, read_date
from vault.desk.sheets import case_at
from vault.errors import DocumentRefused, InputError, IntegrityError, NotFound
from vault.material_archive import NOTE_MAX_CHARS, verify
from vault.model.access import Action, Context, Kind, authorize, not_there
from vault.model.actors import COUNTER_PREFIX, Clerk, ClientGrant, Person
from vault.model.certificate import TrustLevel
from vault.model.desk import DeskCase
from vault.model.holders import Holder
from vault.model.legal_time import day_begins, legal_day
from vault.model.scope import NOBODY, of_caller, of_client
from vault.model.service_item import MaterialType, MaterialWay, ServiceItem
from vault.model.written import hides_something, text_form
from vault.uploads import UPLOAD_MAX_BYTES, keep_upload
from vault.workshop import Workshop

# As much of a digest as tells two papers of one case apart.
DIGEST_CHARS = 12
# A deposit's case number has 128 at most.
_CASE_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class PaperForm:
    """The form as it was sent. `holder`: the place of its holder among the case's, from 0.

    `compared`: the clerk says that it was compared with its original.
    """

    kind: str
    holder: str
    holder_name: str = field(repr=False)
    issued_on: str
    valid_to: str
    note: str = field(repr=False)
    content: bytes = field(repr=False)
    compared: bool


def kinds_of_paper(workshop: Workshop, item: ServiceItem, *, at: datetime) -> tuple[MaterialType, ...]:
    """The materials that the item takes and that a window can make level B.

    Raises:
        Unavailable: the database does not answer.
    """
    every = workshop.shelf.in_force(at).materials
    wanted = {
        way.type_code: None
        for requirement in item.requirements
        for way in requirement.ways
        if isinstance(way, MaterialWay)
    }
    # A promise stays a promise whoever looks at it.
    return tuple(
        every[code] for code in wanted if code in every and every[code].trust_best is not TrustLevel.D
    )


def archive_paper(
    workshop: Workshop, person: Person, place: UUID, form: PaperForm, *, at: datetime
) -> ArchivedMaterial:
    """Archives a scan of a paper that the clerk compared with its original, as level B.

    1. the case, and that its clerk may; 2. read the form; 3. keep the file for the organisation's counter;
    4. hand it in as a material of level C, through the deposit, once for the same file, kind and holder of
    the case, also on another day; 5. the clerk verifies it: level B, in their own name.

    A crash between 4 and 5 leaves level C, which the desk shows as "compare it and record that"; the same
    form again walks the same path and ends at the same material.

    Raises:
        NotPermitted: the item is not for the clerk's organisation.
        NotFound: the case is no longer on the sheet.
        Slips: every field that cannot be taken.
        Conflict: the same file was archived for this case with other particulars.
        Unavailable: an engine does not answer; the same form again may succeed.
    """
    case = case_at(workshop, person, place, at=at)  # 1
    item = workshop.shelf.items(at).get(case.service_item or "")
    if item is None or not case.is_asked:
        raise NotFound("Nothing was asked for this case yet.")
    context = Context(case.purpose, case.number, item.code, item.authority.code)
    authorize(person, Action.ARCHIVE_PAPER, context=context)
    kinds = {kind.code: kind for kind in kinds_of_paper(workshop, item, at=at)}
    sha256 = hashlib.sha256(form.content).hexdigest()
    request = _read(case, item, kinds, form, sha256, at)  # 2
    counter = _counter(workshop, person, item, at=at)
    try:
        keep_upload(workshop, counter, sha256, form.content)  # 3
    except DocumentRefused as error:
        raise Slips(Slip("file", "refused", {"why": error.detail})) from error
    number = request["case"]["number"]
    # The day's beginning: the same form again is the same deposit, and of the day on which it was committed.
    with workshop.database.reading(of_client(counter)) as db:
        before = completed_before(db, counter.client_id, number)
    request["case"]["completed_at"] = day_begins(legal_day(before or at)).isoformat()
    try:
        hand_in(workshop, counter, request, at=at)  # 4
    except InputError as error:
        raise Slips(Slip("file", "refused", {"why": error.detail})) from error
    with workshop.database.reading(of_client(counter)) as db:
        material_id = material_of_case(db, counter.client_id, number)
    if material_id is None:
        raise IntegrityError("A material vanished when it had just been archived.")
    return verify(workshop, person, material_id, clerk=None, note=text_form(form.note), at=at)  # 5


def compare_paper(
    workshop: Workshop, person: Person, place: UUID, material_id: UUID, *, at: datetime
) -> ArchivedMaterial:
    """The clerk compared a material of level C with its original, for the case at this place: it becomes B.

    1. it is of a holder of the case, and of a type that its item asks for; 2. verify it, as any clerk does.

    Raises:
        NotFound: the case is no longer on the sheet, or there is no such material for it.
        Conflict: level A needs no window, and a promise (D) cannot be compared with anything.
        Unavailable: the database does not answer.
    """
    case = case_at(workshop, person, place, at=at)
    item = workshop.shelf.items(at).get(case.service_item or "")
    if item is None:
        raise not_there(Kind.MATERIAL)
    scope = about(of_caller(person), workshop.keys, *(each.code for each in case.holders))
    with workshop.database.reading(scope) as db:  # 1
        found = find_material(db, workshop.keys, material_id)
    if found is None or found.type_code not in item.material_types:
        raise not_there(Kind.MATERIAL)
    return verify(workshop, person, material_id, clerk=None, note="", at=at)  # 2


def _counter(workshop: Workshop, person: Person, item: ServiceItem, *, at: datetime) -> ClientGrant:
    """The client through which an organisation's counters hand in papers; made when it is first needed."""
    name = f"{item.authority.name}（窗口）"
    code = item.authority.code
    grant = ClientGrant(f"{COUNTER_PREFIX}{code.lower()}", name, frozenset({code}))
    with workshop.database.writing(NOBODY) as db:
        clients.insert_client(db, grant, at)
    clerk = Clerk(name=text_form(person.name), staff_number=person.actor)
    return ClientGrant(grant.client_id, name, grant.authorities, acting_for=clerk)


def _read(
    case: DeskCase,
    item: ServiceItem,
    kinds: dict[str, MaterialType],
    form: PaperForm,
    sha256: str,
    at: datetime,
) -> dict[str, Any]:
    """The deposit that hands it in, but for the day of its case."""
    slips, on = list[Slip](), legal_day(at)
    kind = kinds.get(form.kind)
    if kind is None:
        slips.append(Slip("kind", "missing"))
    holder = _holder(case, form, slips)
    issued_on = _date("issued_on", form.issued_on, slips)
    valid_to = _date("valid_to", form.valid_to, slips)
    if issued_on is not None and issued_on > on:
        slips.append(Slip("issued_on", "future"))
    if valid_to is not None and valid_to < on:
        slips.append(Slip("valid_to", "past"))
    if not form.content:
        slips.append(Slip("file", "missing"))
    elif len(form.content) > UPLOAD_MAX_BYTES:
        slips.append(Slip("file", "too_large", {"max": UPLOAD_MAX_BYTES // 2**20}))
    note = text_form(form.note)
    if len(note) > NOTE_MAX_CHARS:
        slips.append(Slip("note", "too_long", {"max": NOTE_MAX_CHARS, "got": len(note)}))
    elif hides_something(note):
        slips.append(Slip("note", "unprintable"))
    if not form.compared:
        slips.append(Slip("compared", "missing"))
    if slips or kind is None or holder is None:
        raise Slips(*slips)
    named = {"code_type": holder.code.code_type, "code": holder.code.value, "name": holder.name}
    return {
        "case": {
            "number": _number_of(case, kind, form.holder, sha256),
            "service_item": item.code,
            "applicant": named,
        },
        "results": [],
        "materials": [
            {
                "type": kind.code,
                "name": kind.name,
                "sha256": sha256,
                "trust": TrustLevel.C.value,
                "holders": [named],
                "issued_on": None if issued_on is None else issued_on.isoformat(),
                "valid_to": None if valid_to is None else valid_to.isoformat(),
            }
        ],
    }


def _number_of(case: DeskCase, kind: MaterialType, holder: str, sha256: str) -> str:
    """A number of its own for each paper of a case: to the vault every deposit is a case."""
    told = hashlib.sha256(f"{kind.code} {holder} {sha256}".encode()).hexdigest()[:DIGEST_CHARS]
    return f"{case.number[:_CASE_CHARS_MAX]}#{told}"


def _holder(case: DeskCase, form: PaperForm, slips: list[Slip]) -> Holder | None:
    places = {str(n): each for n, each in enumerate(case.holders)}
    found = places.get(form.holder)
    if found is None:
        slips.append(Slip("holder", "missing"))
        return None
    if not form.holder_name.strip():
        slips.append(Slip("holder_name", "missing"))
        return None
    try:
        return Holder.parse(found.code.code_type, found.code.value, form.holder_name)
    except InputError:
        slips.append(Slip("holder_name", "unprintable"))
        return None


def _date(name: str, value: str, slips: list[Slip]) -> date | None:
    value = value.strip()
    if not value:
        return None
    found = read_date(value)
    if found is None:
        slips.append(Slip(name, "date_form"))
    return found
