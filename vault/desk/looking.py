"""What is held for the case at hand, and what was used for it: everything that the page shows of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.uses import find_uses
from vault.desk.reading import Slip, Slips
from vault.errors import NotPermitted
from vault.model.actors import Person
from vault.model.desk import DeskCase
from vault.model.reuse_words_zh import why_zh
from vault.model.scope import of_caller
from vault.model.service_item import ServiceItem
from vault.model.use import UseRecord
from vault.reuse import Question, answer_json, check_reuse, read_question
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class HeldFor:
    """The reuse check's answer for a case, as its contract writes it, each line with `why_zh`, too.

    `uses`: those of this case, by what they use; `asked_at`: when it was asked.
    """

    case: DeskCase
    item: ServiceItem
    answer: dict[str, Any] = field(repr=False)
    uses: dict[UUID, list[UseRecord]] = field(repr=False)
    asked_at: datetime


def question_of(workshop: Workshop, case: DeskCase, *, at: datetime) -> Question:
    """The question of a case's reuse check.

    Raises:
        Slips: its item is no longer in force, or no longer for these holders; or the day of decision passed.
        Unavailable: the database does not answer.
    """
    items = workshop.shelf.items(at)
    if case.service_item not in items:
        raise Slips(Slip("item", "gone"))
    request = {
        "service_item": case.service_item,
        "case_number": case.number,
        "holders": [
            {"role": each.role.value, "code_type": each.code.code_type, "code": each.code.value}
            for each in case.holders
        ],
        "needed_until": None if case.needed_until is None else case.needed_until.isoformat(),
    }
    return read_question(items, request, at=at)


def look(workshop: Workshop, person: Person, case: DeskCase, *, at: datetime) -> HeldFor:
    """Asks what is held for a case that was filled in. The look is recorded, each time.

    1. the reuse check, with its audit event; 2. the uses that the sheet names for this case, as they stand.

    Raises:
        Slips: the item is no longer in force, or no longer for the clerk's authority to ask about.
        InputError: the item is no longer for these holders.
        Unavailable: the database does not answer.
    """
    question = question_of(workshop, case, at=at)
    try:
        checked = check_reuse(workshop, person, question, at=at)  # 1
    except NotPermitted as error:  # the catalogue gave the item to others: the rest of the sheet stays usable
        raise Slips(Slip("item", "gone")) from error
    answer = answer_json(checked)
    for shown, line in zip(answer["lines"], checked.lines, strict=True):
        shown["why_zh"] = why_zh(line, on=question.on, needed_until=question.needed_until)
        shown["holder_role"] = line.requirement.holder.value
    uses: dict[UUID, list[UseRecord]] = {}
    if case.uses:
        with workshop.database.reading(of_caller(person)) as db:  # 2
            for use in find_uses(db, workshop.keys, case.uses):
                uses.setdefault(use.subject.id, []).append(use)
    return HeldFor(case, question.item, answer, uses, at)
