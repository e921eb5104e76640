"""What a reuse check shows an organisation that asks by consent: types and fields that holders consent to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from storage.history import insert_look, look_by
from storage.holders import known_ids
from storage.reuse import Opened
from vault.errors import NotFound
from vault.grounds import ConsentQuestion, Ground, grounds_by_holder, spend, standing_footing
from vault.model.access import Action, Caller, Context, Kind, Resource, authorize, refusal
from vault.model.consent import Look
from vault.model.face import NUMBER
from vault.model.footing import Consented, Footing, Statutory, footing_json
from vault.model.held import Held
from vault.model.scope import Scope
from vault.reuse.reading import Question
from vault.workshop import Workshop

_NO_CONSENT = "Nothing is held that you may see: none of these holders has given you a consent for this item."


@dataclass(frozen=True, slots=True)
class ConsentedView:
    """The grounds on which the check looks at each holder who consents."""

    grounds: Mapping[UUID, Ground]

    @property
    def footing(self) -> Footing:
        """What the whole check rests on: each consent once."""
        consents = {c for ground in self.grounds.values() for c in _consents(ground)}
        return Consented(tuple(sorted(consents)))

    def of(self, held: Held, ids: Mapping[bytes, UUID], indexes: Sequence[Collection[bytes]]) -> Held:
        """Certificates as far as the holders consent; no materials, and nothing of cases under way."""
        by_position = self._by_position(ids, indexes)
        seen = (
            replace(
                each,
                parties=frozenset(
                    n for n in each.parties if n in by_position and by_position[n].shows(each.type_code)
                ),
            )
            for each in held.certificates
        )
        return Held(tuple(each for each in seen if each.parties))

    def faces(
        self,
        opened: Mapping[UUID, Opened],
        held: Held,
        ids: Mapping[bytes, UUID],
        indexes: Sequence[Collection[bytes]],
    ) -> dict[UUID, Opened]:
        """What these consents show of the opened faces: where several holders consent, the most of it."""
        by_position = self._by_position(ids, indexes)
        shown = {}
        for each in held.certificates:
            content = opened.get(each.certificate_id)
            if content is None:
                continue
            choices = [by_position[n].fields(each.type_code) for n in each.parties]
            chosen = frozenset[str]().union(*(choice for choice in choices if choice is not None))
            shown[each.certificate_id] = content if None in choices else _restricted(content, chosen)
        return shown

    def _by_position(
        self, ids: Mapping[bytes, UUID], indexes: Sequence[Collection[bytes]]
    ) -> dict[int, Ground]:
        """By the place of each holder among those asked about; `indexes`: of each under every index key."""
        found = {n: ids[each] for n, under in enumerate(indexes) for each in under if each in ids}
        return {n: self.grounds[holder_id] for n, holder_id in found.items() if holder_id in self.grounds}


def view_of(
    workshop: Workshop,
    caller: Caller,
    question: Question,
    scope: Scope,
    indexes: Collection[bytes],
    *,
    at: datetime,
) -> Statutory | ConsentedView:
    """Uses the consents that these holders gave for the item; by function none is needed, nor a statement.

    Raises:
        NotFound: there is none. It is recorded that the client asked.
        Unavailable: the database does not answer.
    """
    item, context = question.item, Context(service_item=question.item.code)
    standing = standing_footing(caller)
    if isinstance(standing, Statutory):
        authorize(caller, Action.SEE_HELD, Resource(Kind.HOLDER), replace(context, footing=standing))
        return standing
    holders = [[holder.role.value, *holder.code.identity] for holder in question.holders]
    more = {"holders": holders, "case_number": question.case_number}
    asked = ConsentQuestion(Look.REUSE_CHECK, item.code, None, more)
    with workshop.database.writing(scope) as db:
        ids = known_ids(db, workshop.keys, indexes)
        grounds = grounds_by_holder(
            db, workshop, caller, asked, ids, item.certificate_types, at=at, lock=True
        )
        view = ConsentedView(grounds)
        context = replace(context, footing=view.footing)
        refused = refusal(caller, Action.SEE_HELD, Resource(Kind.HOLDER), context)
        if refused is None:
            spend(db, caller, asked, grounds.values(), at=at)
        else:
            details = {"service_item": item.code, "holders": sorted(map(str, ids))}
            details |= footing_json(Consented(()))
            reasons = {"service_item": item.code, "case_number": question.case_number}
            event = look_by(caller, "refused-reuse-check", None, details)
            insert_look(db, workshop.keys, event, reasons, at)
    if refused is not None:
        raise NotFound(_NO_CONSENT)
    return view


def _consents(ground: Ground) -> tuple[UUID, ...]:
    match ground.footing:
        case Consented(consents):
            return consents
        case Statutory():
            return ()


def _restricted(content: Opened, fields: frozenset[str]) -> Opened:
    """The chosen of it, and where its file comes from: nobody may take a copy for the original."""
    return Opened(
        content.number if NUMBER in fields else None,
        {key: value for key, value in content.fields.items() if key in fields},
        content.origin,
    )
