"""The desk's one page, from what the flows know to what the template shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import HTMLResponse

from api.pages.desk.sitting import HOME, Sitting
from api.pages.rendering import pages_of
from vault import desk
from vault.errors import InputError
from vault.model.desk import CaseState, DeskCase, Sheet
from vault.model.holders import HOLDER_CODE_TYPES
from vault.model.legal_time import LEGAL_TIME, legal_day
from vault.model.service_item import HolderRole, MaterialWay, ServiceItem
from vault.model.use import UseRecord
from vault.uses import MadeUse

# How a line is marked: its sign, as on every page.
SIGNS = {"held": "good", "held_not_usable": "warn", "pending": "unknown", "not_held": "bad"}
# Every field of the page that can have a slip, in its order.
FIELDS = (
    "numbers",
    "number",
    "item",
    *(role.value for role in HolderRole),
    "needed_until",
    "purpose",
    "kind",
    "holder",
    "holder_name",
    "issued_on",
    "valid_to",
    "file",
    "note",
    "compared",
)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to the form that was sent: its slips and what was typed, or what was in the way."""

    slips: Sequence[desk.Slip] = ()
    case: desk.CaseForm | None = None
    numbers: str = field(default="", repr=False)
    paper: desk.PaperForm | None = None
    trouble: str | None = None
    made: MadeUse | None = None


_NOTHING = Said()


def screen(seat: Sitting, said: Said = _NOTHING, *, status: int = 200) -> HTMLResponse:
    """The page: the clerk's sheet, the case at hand, and what is held for it as of now.

    Raises:
        Unavailable: the database does not answer.
    """
    workshop, person, at = seat.workshop, seat.person, seat.at
    sheet = desk.sheet_at(workshop, person, at=at)
    items = desk.items_of(workshop, person, at=at)
    case = sheet.case_at_hand
    held, slips = None, [*said.slips]
    if case is not None and case.is_asked and said.case is None:
        try:
            held = desk.look(workshop, person, case, at=at)
        except desk.Slips as found:
            slips += found.slips
        except InputError:  # the item changed since it was asked
            slips.append(desk.Slip("item", "gone"))
    kinds = () if held is None else desk.kinds_of_paper(workshop, held.item, at=at)
    first = {slip.field: slip for slip in reversed(slips)}
    return pages_of(seat.request).render(
        seat.request,
        "desk/desk.html",
        status=status,
        here=HOME,
        person=person,
        authority=items[0].authority.name if items else person.organisation,
        items=items,
        queue=_queue(sheet),
        tally={state.value: sum(each.state is state for each in sheet.cases) for state in CaseState},
        case=case,
        form=_form(said.case, case, sheet, items),
        code_types=HOLDER_CODE_TYPES.values(),
        roles=[role.value for role in HolderRole],
        needed_roles=_needed_roles(items),
        today=legal_day(at).isoformat(),
        held=None if held is None else _held(held, said.made),
        kinds=kinds,
        paper=said.paper,
        numbers=said.numbers,
        slips=[first[name] for name in FIELDS if name in first],
        slip={name: first.get(name) for name in FIELDS},
        trouble=said.trouble,
        made=_made(said.made),
    )


def _queue(sheet: Sheet) -> list[dict[str, Any]]:
    return [
        {
            "place": str(each.place),
            "number": each.number,
            "state": each.state.value,
            "at_hand": each.place == sheet.at_hand,
            "uses": len(each.uses),
        }
        for each in sheet.cases
    ]


def _form(
    sent: desk.CaseForm | None, case: DeskCase | None, sheet: Sheet, items: Sequence[ServiceItem]
) -> dict[str, Any]:
    """What stands in the fields: what was sent and could not be taken, else the case at hand.

    A case of which the number alone is known begins with the item of the case before: a counter's morning is
    often one item.
    """
    if sent is not None:
        holders = {role.value: typed for role, typed in sent.holders.items()}
        return {
            "place": "" if sent.place is None else str(sent.place),
            "number": sent.number,
            "item": sent.item,
            "code_type": sent.code_type,
            "holders": holders,
            "purpose": sent.purpose,
            "needed_until": sent.needed_until,
        }
    named = {item.code: f"{item.code} {item.name}" for item in items}
    last = next((each.service_item for each in reversed(sheet.cases) if each.service_item in named), None)
    code = case.service_item if case is not None and case.service_item else last
    holders = {role.value: "" for role in HolderRole}
    if case is not None:
        for role in HolderRole:
            written = [each.written for each in case.holders if each.role is role]
            holders[role.value] = "\n".join(written)
    known = case is not None and case.is_asked
    return {
        "place": "" if case is None else str(case.place),
        "number": "" if case is None else case.number,
        "item": named.get(code or "", ""),
        "code_type": _code_type(case),
        "holders": holders,
        "purpose": case.purpose if case is not None and known else "",
        "needed_until": "" if case is None or case.needed_until is None else case.needed_until.isoformat(),
    }


def _code_type(case: DeskCase | None) -> str:
    """The kind that was chosen; the two that are told from the code itself are left to that."""
    if case is None or not case.holders or case.holders[0].code.code_type in {"111", "001"}:
        return ""
    return case.holders[0].code.code_type


def _needed_roles(items: Sequence[ServiceItem]) -> dict[str, str]:
    """By item, the roles beside the applicant without which it cannot be decided, parted by blanks."""
    return {
        item.code: " ".join(
            role.value
            for role in HolderRole
            if role is not HolderRole.APPLICANT
            and any(each.holder is role and not each.only_if_agent for each in item.requirements)
        )
        for item in items
    }


def _held(found: desk.HeldFor, made: MadeUse | None) -> dict[str, Any]:
    lines = [_line(found, line, made) for line in found.answer["lines"]]
    counts = {state: sum(line["state"] == state for line in lines) for state in SIGNS}
    return {
        "item": found.item,
        "purpose": found.case.purpose,
        "holders": [
            {"role": each.role.value, "masked": each.code.masked(), "n": n}
            for n, each in enumerate(found.case.holders)
        ],
        "several": len(found.case.holders) > 1,
        "lines": lines,
        "counts": counts,
        "total": len(lines),
        "asked_at": found.asked_at.isoformat(),
    }


def _line(found: desk.HeldFor, line: dict[str, Any], made: MadeUse | None) -> dict[str, Any]:
    """`here`: a use code that was just asked for stands in it."""
    shown = [
        *({**each, "usable": True} for each in line["satisfied_by"]),
        *({**each, "usable": False} for each in line["not_usable"]),
    ]
    things = [_thing(found, each) for each in shown]
    requirement = next(each for each in found.item.requirements if each.id == line["requirement"])
    return {
        **line,
        "anchor": f"line-{line['requirement']}",
        "sign": SIGNS[line["state"]],
        "things": things,
        "here": made is not None and str(made.use.subject.id) in {each["subject"] for each in things},
        "papers": [way.type_code for way in requirement.ways if isinstance(way, MaterialWay)],
    }


def _thing(found: desk.HeldFor, shown: dict[str, Any]) -> dict[str, Any]:
    subject_id = shown.get("certificate_id") or shown["material_id"]
    uses = [_use(each, found.asked_at) for each in found.uses.get(UUID(subject_id), [])]
    return {
        **shown,
        "subject": subject_id,
        "picture": f"{HOME}/pictures/{found.case.place}/{shown['kind']}/{subject_id}",
        "uses": [each for each in uses if each["stands"]],
        "ended": [each for each in uses if not each["stands"]],
        "to_compare": shown.get("trust") == "C" and "trust_too_low" in shown.get("reasons", ()),
    }


def _use(use: UseRecord, at: datetime) -> dict[str, Any]:
    return {
        "use_id": str(use.use_id),
        "made_at": use.made_at.astimezone(LEGAL_TIME).strftime(
            "%H:%M" if legal_day(use.made_at) == legal_day(at) else "%Y-%m-%d %H:%M"
        ),
        "last_day": use.last_day.isoformat(),
        "purpose": use.purpose,
        "copy_at": None if use.copy is None else f"{HOME}/copies/{use.use_id}",
        "stands": use.end(at) is None,
    }


def _made(made: MadeUse | None) -> dict[str, Any] | None:
    if made is None:
        return None
    return {
        "subject": str(made.use.subject.id),
        "use_id": str(made.use.use_id),
        "code": made.code,
        "until": made.code_expires_at.isoformat(),
    }
