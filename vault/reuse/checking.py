"""The reuse check, in the order in which it happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from uuid import UUID

from storage.avoided import avoided
from storage.db import WriteConnection
from storage.history import look, look_by
from storage.holders import about, holder_indexes
from storage.reuse import (
    InClear,
    MaterialFacts,
    Opened,
    PendingFacts,
    in_clear,
    opened,
    questions_about,
)
from storage.round_trip import commit_with
from vault.model.access import Action, Caller, Context, authorize
from vault.model.actors import ClientGrant
from vault.model.footing import Footing, footing_json
from vault.model.held import Held, HeldCertificate, HeldMaterial, Party, PendingResult
from vault.model.identifier import CertificateIdentifier
from vault.model.legal_time import legal_day
from vault.model.reuse import applies, decide, to_open
from vault.model.reuse_lines import Line, LineState
from vault.model.scope import of_caller
from vault.model.service_item import FieldWay
from vault.reuse.consenting import ConsentedView, view_of
from vault.reuse.reading import Question
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Answer:
    """One line for each required material that is asked for in this case, and what the lines show.

    `opened`: numbers and fields of the certificates that may satisfy something; `materials`: the facts of the
    materials that were looked at; `footing`: what the look rests on.
    """

    question: Question = field(repr=False)
    lines: tuple[Line, ...]
    opened: Mapping[UUID, Opened] = field(repr=False)
    materials: Mapping[UUID, MaterialFacts] = field(repr=False)
    footing: Footing


def check_reuse(workshop: Workshop, caller: Caller, question: Question, *, at: datetime) -> Answer:
    """What the vault holds of each material that the item requires of these holders.

    0. an organisation that asks by consent: use the consents that these holders gave for this item.
    Then in one transaction that sees one state of the database throughout:
    1. find the holders, their certificates and materials of the types that could do, by clear columns only,
    and what is reserved for them; 2. open the envelopes of those certificates that may satisfy something, for
    their numbers and fields; 3. decide, a line for each requirement; 4. record who asked, and which
    resubmissions this case is spared, and commit.

    The number of statements does not depend on how many requirements, holders or certificates there are, and
    they wait for the database twice: 1 goes out with BEGIN, 4 with COMMIT.
    Consents are used ahead of that transaction, whose snapshot would not see what others used meanwhile; the
    same question again within some minutes counts once.

    Raises:
        NotPermitted: the caller may not ask, or not about this item.
        NotFound: none of the holders consents to anything that the item asks for.
        Unavailable: the database does not answer.
    """
    item = question.item
    context = Context(
        case_number=question.case_number, service_item=item.code, handled_by=item.authority.code
    )
    authorize(caller, Action.CHECK_REUSE, context=context)
    parties = _parties(question)
    indexes = [holder_indexes(workshop.keys, holder.code) for holder in question.holders]
    everybody = frozenset(chain(*indexes))
    scope = about(of_caller(caller), workshop.keys, *(holder.code for holder in question.holders))
    wanted = [requirement for requirement in item.requirements if applies(requirement, parties)]
    view = view_of(workshop, caller, question, scope, everybody, at=at)  # 0
    questions = questions_about(workshop.keys, everybody, item.certificate_types, item.material_types)
    with workshop.database.noting_after(scope, questions) as (db, answers):
        stored = in_clear(answers)  # 1
        held, materials = _held(stored, caller, question, indexes), stored.materials
        if isinstance(view, ConsentedView):
            held, materials = view.of(held, stored.holder_ids, indexes), ()
        days = {"on": question.on, "needed_until": question.needed_until}
        shown = frozenset[UUID]().union(*(to_open(each, parties, held, **days) for each in wanted))
        faces = opened(workshop.keys, (c for c in stored.certificates if c.certificate_id in shown))  # 2
        if isinstance(view, ConsentedView):
            faces = view.faces(faces, held, stored.holder_ids, indexes)
        held = replace(held, absent=_absent(question, faces))
        lines = tuple(decide(each, parties, held, **days) for each in wanted)  # 3
        footing = view.footing if isinstance(view, ConsentedView) else view
        _record(db, workshop, caller, question, lines, stored, footing, at)  # 4
    return Answer(question, lines, faces, {each.material_id: each for each in materials}, footing)


def _parties(question: Question) -> tuple[Party, ...]:
    """Whoever is named twice with the same code is one party with two roles."""
    places: dict[tuple[str, str], int] = {}
    for n, holder in enumerate(question.holders):
        places.setdefault(holder.code.identity, n)
    return tuple(
        Party(
            n,
            frozenset(h.role for h in question.holders if h.code.identity == identity),
            question.holders[n].code.kind,
        )
        for identity, n in places.items()
    )


def _held(stored: InClear, caller: Caller, question: Question, indexes: Sequence[tuple[bytes, ...]]) -> Held:
    def of_ids(holder_ids: frozenset[UUID]) -> frozenset[int]:
        return frozenset(
            n for n, each in enumerate(indexes) if holder_ids & {stored.holder_ids.get(i) for i in each}
        )

    return Held(
        tuple(
            HeldCertificate(
                c.certificate_id,
                c.identifier,
                c.type_code,
                c.issued_on,
                c.valid_from,
                c.valid_to,
                c.status,
                legal_day(c.status_since),
                c.superseded_by,
                of_ids(c.holder_ids),
                None if c.disputed_since is None else legal_day(c.disputed_since),
                c.origin,
            )
            for c in stored.certificates
        ),
        tuple(
            HeldMaterial(
                m.material_id,
                m.type_code,
                m.trust,
                m.issued_on,
                legal_day(m.committed_at),
                m.valid_to,
                of_ids(m.holder_ids),
            )
            for m in stored.materials
        ),
        tuple(
            PendingResult(
                CertificateIdentifier.parse(p.identifier).type_code,
                p.case_number,
                legal_day(p.reserved_at),
                frozenset(n for n, each in enumerate(indexes) if p.holder_index in each),
            )
            for p in stored.pending
            if not _is_this_case(p, caller, question)
        ),
    )


def _is_this_case(pending: PendingFacts, caller: Caller, question: Question) -> bool:
    """A case does not wait for what it brings itself.

    A clerk does not say which of the authority's systems will deposit it: its number and authority must do.
    """
    if pending.case_number != question.case_number:
        return False
    if isinstance(caller, ClientGrant):
        return pending.client_id == caller.client_id
    return CertificateIdentifier.parse(pending.identifier).authority == caller.organisation


def _absent(question: Question, opened: Mapping[UUID, Opened]) -> frozenset[tuple[UUID, str]]:
    """Which of the fields that the item asks for each opened certificate lacks."""
    ways = (way for requirement in question.item.requirements for way in requirement.ways)
    asked = {way.field for way in ways if isinstance(way, FieldWay)}
    return frozenset(
        (certificate_id, field)
        for certificate_id, content in opened.items()
        for field in asked
        if content.fields.get(field) is None
    )


def _record(
    db: WriteConnection,
    workshop: Workshop,
    caller: Caller,
    question: Question,
    lines: tuple[Line, ...],
    stored: InClear,
    footing: Footing,
    at: datetime,
) -> None:
    evidence = [proof.evidence for line in lines for proof in line.satisfied_by]
    event = look_by(
        caller,
        "reuse-check",
        None,
        {
            "service_item": question.item.code,
            "holders": [str(holder_id) for holder_id in stored.holder_ids.values()],
            "lines": {line.requirement.id: line.state.value for line in lines},
            "certificates": sorted(
                {str(e.certificate_id) for e in evidence if isinstance(e, HeldCertificate)}
            ),
            "materials": sorted({str(e.material_id) for e in evidence if isinstance(e, HeldMaterial)}),
            **footing_json(footing),
        },
    )
    reasons = {"service_item": question.item.code, "case_number": question.case_number}
    spared = [line.requirement.id for line in lines if line.state is LineState.HELD]
    noted = [look(workshop.keys, event, reasons, at)]
    # Without a case nobody would have handed anything in: a question ahead of it spares nothing yet.
    if spared and question.case_number is not None:
        noted.append(
            avoided(
                workshop.keys,
                spared,
                asked_by=_body_of(caller),
                case_number=question.case_number,
                service_item=question.item.code,
                authority=question.item.authority.code,
                at=at,
            )
        )
    commit_with(db, *noted)


def _body_of(caller: Caller) -> str:
    """Within what a case number means one case: the system's numbers, or the organisation's."""
    return caller.client_id if isinstance(caller, ClientGrant) else f"organisation:{caller.organisation}"
