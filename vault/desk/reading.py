"""What a clerk typed, pasted or scanned, read: a case, or every slip in it at its field.

A reader types like a keyboard: an identity card's number, or the address in a certificate's QR code. What
came in is quoted nowhere.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import field as dataclass_field
from datetime import date, datetime
from uuid import UUID, uuid4

from vault.errors import InputError
from vault.model.catalogue import HolderKind
from vault.model.desk import DeskCase, DeskHolder
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.service_item import HolderRole, ServiceItem
from vault.model.transcription import written_form
from vault.model.written import case_number_form, hides_something, text_form
from vault.reuse.reading import CASE_NUMBER_MAX_CHARS, HOLDERS_MAX
from vault.uses.reading import PURPOSE_MAX_CHARS

AUTOMATIC = ""
"""The kind of code that is told from the code itself: 111 or 001."""
CITIZEN, SOCIAL_CREDIT = "111", "001"
CODE_CHARS = 18
# A line of a paste that is longer than any case number is no list of them.
PASTE_MAX_CHARS = 40_000
# The address that a certificate's QR code holds, as a hand scanner types it.
_SHOWN = re.compile(r"#(?:[^\s#]*&)?t=([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])")
# What a holder shows on a phone to be verified: it opens once, and to nobody's case.
_SHOWN_CODE = re.compile(r"#(?:[^\s#]*&)?p=")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# In a number that is masked, and in none that is typed.
_MASKED = "*"
_ITEM_CODE = re.compile(r"\s*([0-9A-Za-z]{6,})")
_BETWEEN = re.compile(r"[\r\n\t;；,，]+")


@dataclass(frozen=True, slots=True)
class Slip:
    """Something that cannot be taken.

    `field`: the form's; `kind`: which of the page's sentences; `values`: what that names.
    """

    field: str
    kind: str
    values: Mapping[str, object] = dataclass_field(default_factory=dict)


class Slips(InputError):
    """A form cannot be taken as it is; the page says why beside each field."""

    def __init__(self, *slips: Slip) -> None:
        super().__init__(f"{len(slips)} field{' is' if len(slips) == 1 else 's are'} wrong.")
        self.slips = slips


@dataclass(frozen=True, slots=True)
class CaseForm:
    """The form as it was sent. `holders`: by role what was typed, one a line of each field."""

    place: UUID | None
    number: str = field(repr=False)
    item: str
    code_type: str
    holders: Mapping[HolderRole, str] = field(repr=False)
    purpose: str = field(repr=False)
    needed_until: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate whose QR code was scanned instead of a holder's number: the token in it."""

    role: HolderRole
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadCase:
    """The case, and whom `shown` certificates still have to name."""

    case: DeskCase
    item: ServiceItem
    shown: tuple[Shown, ...]


def read_case(
    items: Sequence[ServiceItem], form: CaseForm, before: DeskCase | None = None, *, at: datetime
) -> ReadCase:
    """Reads the form against the items that the clerk's authority handles.

    `before`: the case as it lies on the sheet. A masked number at the place of somebody who was scanned is
    theirs.

    Raises:
        Slips: every field that cannot be taken.
    """
    on, slips = legal_day(at), list[Slip]()
    number = _number(form.number, slips)
    item = _item(items, form.item, slips)
    holders, shown = _holders(form, item, () if before is None else before.holders, on, slips)
    needed_until = None
    if form.needed_until.strip():
        needed_until = read_date(form.needed_until.strip())
        if needed_until is None or needed_until < on:
            slips.append(Slip("needed_until", "date"))
            needed_until = None
    purpose = text_form(form.purpose)
    if not purpose and item is not None:
        purpose = default_purpose(item)
    if len(purpose) > PURPOSE_MAX_CHARS:
        slips.append(Slip("purpose", "too_long", {"max": PURPOSE_MAX_CHARS, "got": len(purpose)}))
    elif hides_something(purpose):
        slips.append(Slip("purpose", "unprintable"))
    if slips or item is None:
        raise Slips(*slips)
    place = form.place or uuid4()
    case = DeskCase(
        place,
        number,
        service_item=item.code,
        holders=tuple(holders),
        purpose=purpose,
        needed_until=needed_until,
    )
    return ReadCase(case, item, tuple(shown))


def read_numbers(pasted: str) -> tuple[str, ...]:
    """Case numbers, one a line, or parted by commas or tabs as a spreadsheet gives them; each once.

    Raises:
        Slips: there are none, or one cannot be taken.
    """
    if len(pasted) > PASTE_MAX_CHARS:
        raise Slips(Slip("numbers", "too_long", {"max": PASTE_MAX_CHARS, "got": len(pasted)}))
    numbers = [case_number_form(each) for each in _BETWEEN.split(pasted)]
    found = tuple(dict.fromkeys(each for each in numbers if each))
    if not found:
        raise Slips(Slip("numbers", "none"))
    for place, each in enumerate(found, 1):
        if len(each) > CASE_NUMBER_MAX_CHARS:
            values = {"place": place, "max": CASE_NUMBER_MAX_CHARS, "got": len(each)}
            raise Slips(Slip("numbers", "line_too_long", values))
        if hides_something(each):
            raise Slips(Slip("numbers", "line_unprintable", {"place": place}))
    return found


def default_purpose(item: ServiceItem) -> str:
    """What for, where the clerk says nothing else."""
    return f"办理{item.name}"[:PURPOSE_MAX_CHARS]


def _number(typed: str, slips: list[Slip]) -> str:
    number = case_number_form(typed)
    if not number:
        slips.append(Slip("number", "missing"))
    elif len(number) > CASE_NUMBER_MAX_CHARS:
        slips.append(Slip("number", "too_long", {"max": CASE_NUMBER_MAX_CHARS, "got": len(number)}))
    elif hides_something(number):
        slips.append(Slip("number", "unprintable"))
    return number


def _item(items: Sequence[ServiceItem], typed: str, slips: list[Slip]) -> ServiceItem | None:
    """The item by its code, which may stand before its name, or by so much of its name as only it has."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text:
        slips.append(Slip("item", "missing"))
        return None
    coded = _ITEM_CODE.match(text)
    if coded is not None:
        found = [each for each in items if each.code == coded[1]]
        if found:
            return found[0]
    wanted = text.casefold()
    near = [each for each in items if wanted in each.name.casefold() or wanted in each.name_en.casefold()]
    exact = [each for each in near if wanted in {each.name.casefold(), each.name_en.casefold()}]
    for found in (exact, near):
        if len(found) == 1:
            return found[0]
    if near:
        names = "、".join(each.name for each in near[:_NAMED_MAX])
        slips.append(Slip("item", "several", {"names": names, "count": len(near)}))
    else:
        slips.append(Slip("item", "unknown"))
    return None


# So many items are named in a sentence; the list has them all.
_NAMED_MAX = 5


def _holders(
    form: CaseForm,
    item: ServiceItem | None,
    before: Sequence[DeskHolder],
    on: date,
    slips: list[Slip],
) -> tuple[list[DeskHolder], list[Shown]]:
    holders, shown, count = list[DeskHolder](), list[Shown](), 0
    for role, typed in form.holders.items():
        lines = [each.strip() for each in typed.splitlines() if each.strip()]
        scanned = {n: each for n, each in enumerate((h for h in before if h.role is role), 1) if each.scanned}
        count += len(lines)
        if count > HOLDERS_MAX:
            slips.append(Slip(role.value, "too_many", {"max": HOLDERS_MAX, "got": count}))
            break
        for place, line in enumerate(lines, 1):
            token = _SHOWN.search(line)
            if token is not None:
                shown.append(Shown(role, token[1]))
                continue
            found = _holder(role, form.code_type, line, scanned.get(place), item, on)
            if isinstance(found, DeskHolder):
                holders.append(found)
            elif len(lines) > 1:
                slips.append(Slip(role.value, "line", {"place": place, "slip": found}))
            else:
                slips.append(found)
    if not form.holders.get(HolderRole.APPLICANT, "").strip():
        slips.append(Slip(HolderRole.APPLICANT.value, "missing"))
    return holders, shown


def _holder(
    role: HolderRole,
    code_type: str,
    line: str,
    scanned: DeskHolder | None,
    item: ServiceItem | None,
    on: date,
) -> DeskHolder | Slip:
    """Whom a line names. `scanned`: who stood there masked."""
    if _SHOWN_CODE.search(line):
        return Slip(role.value, "shown_code")
    if scanned is not None and line == scanned.written:
        found = _fitting(role, [scanned.code], item)
        return found if isinstance(found, Slip) else scanned
    if _MASKED in line:
        return Slip(role.value, "masked")
    code = _code(role, code_type, line, item, on)
    return code if isinstance(code, Slip) else DeskHolder(role, code)


def _code(
    role: HolderRole, code_type: str, typed: str, item: ServiceItem | None, on: date
) -> HolderCode | Slip:
    """A holder's code of the kind that was chosen for applicants; of others always told from itself."""
    chosen = code_type if role is HolderRole.APPLICANT else AUTOMATIC
    found = list(_readings(typed, [chosen] if chosen else [CITIZEN, SOCIAL_CREDIT], on))
    if found:
        return _fitting(role, found, item)
    if chosen not in {AUTOMATIC, CITIZEN, SOCIAL_CREDIT}:
        return Slip(role.value, "code_form")
    written = written_form(typed)
    if len(written) != CODE_CHARS:
        return Slip(role.value, "code_length", {"got": len(written)})
    is_citizen = chosen == CITIZEN or (chosen == AUTOMATIC and written[:-1].isdigit())
    return Slip(role.value, "citizen_check" if is_citizen else "credit_check")


def _fitting(role: HolderRole, found: Sequence[HolderCode], item: ServiceItem | None) -> HolderCode | Slip:
    """The first of these codes of a kind that may stand in this role."""
    kinds = {HolderKind.PERSON} if role is HolderRole.LEGAL_REPRESENTATIVE else set(HolderKind)
    if role is HolderRole.APPLICANT and item is not None:
        kinds = set(item.applicants)
    fitting = [each for each in found if each.kind in kinds]
    if fitting:
        return fitting[0]
    only = "person" if kinds == {HolderKind.PERSON} else "organisation"
    return Slip(role.value, f"only_{only}", {} if item is None else {"item": item.name})


def _readings(typed: str, code_types: Sequence[str], on: date) -> Iterator[HolderCode]:
    for code_type in code_types:
        try:
            yield HolderCode.parse(code_type, typed, today=on)
        except InputError:
            continue


def read_date(value: str) -> date | None:
    """A day as browsers send it, `2026-11-23`; None for anything else."""
    try:
        return date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        return None
