"""Step 7, the commit point: one transaction, after which the certificates are held."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from storage.cases import insert_case_holders, redeem_case
from storage.db import WriteConnection
from storage.history import UPKEEP_QUEUE, AuditRow, LeafRow, defer_job, insert_leaves, insert_look
from storage.holders import ensure_holders
from storage.materials import NewMaterial, insert_materials
from storage.new_certificates import NewCertificate, insert_certificates
from storage.objects import FiledObject
from storage.reservations import forget_reserved_holders
from storage.round_trip import sent_with_commit
from storage.seals import hold_in_use
from storage.statuses import announce, supersede
from vault.deposit.requests import case_json
from vault.deposit.reserving import ReservedCase, answer_of_another_try, scope_of
from vault.deposit.sealing import SealedResult
from vault.deposit.storing import StoredFiles
from vault.deposit.taking import TakenFile
from vault.errors import Conflict, FieldProblem, Unavailable
from vault.log import event_content, issue_content, promised
from vault.model.certificate import (
    ApprovalResult,
    CertificateRecord,
    CompletedCase,
    Status,
    StoredDocument,
)
from vault.model.holders import Holder
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action, StatusEvent
from vault.succession import defer_take_over
from vault.workshop import Workshop

SECOND_LOOK_AFTER = timedelta(minutes=10)
SECOND_LOOK_TASK = "second_look"


def commit(
    workshop: Workshop,
    case: CompletedCase,
    reserved: ReservedCase,
    sealed: tuple[SealedResult, ...],
    stored: StoredFiles,
    handed_in: Mapping[str, TakenFile],
    *,
    at: datetime,
) -> tuple[tuple[CertificateRecord, ...], bool]:
    """Redeems the reservation; the records, and whether it was this try that committed them.

    Raises:
        Conflict: the case was given other contents meanwhile, or what it supersedes no longer can be.
        Unavailable: a seal was stopped meanwhile, or the database does not answer; if that happened at the
            commit itself, the retry finds the case committed.
    """
    with workshop.database.writing(scope_of(workshop.keys, case)) as db:
        if not redeem_case(
            db, workshop.keys, reserved.case_id, reserved.attempt, request=case_json(case), at=at
        ):
            return answer_of_another_try(db, workshop, case), False
        _hold_closing_keys(db, reserved)
        new = [
            _new_certificate(workshop, reserved, result, item, filed)
            for result, item, filed in zip(case.results, sealed, stored.documents, strict=True)
        ]
        holders = ensure_holders(db, workshop.keys, _everybody(case), at)
        issued = [issue_leaf(workshop, item, at) for item in new]
        with sent_with_commit(db) as send:
            forget_reserved_holders(db, [reserved.case_id])
            insert_case_holders(db, reserved.case_id, {holder.holder_id for holder in holders.values()})
            insert_certificates(db, workshop.keys, new, holders, actor=case.client_id, at=at)
            insert_materials(db, _new_materials(workshop, case, reserved, stored, handed_in), holders)
            if any(item.supersedes is not None for item in new):
                send()  # what is superseded names its successor
            insert_leaves(db, [*issued, *_supersede(db, workshop, case, new, at)])
            insert_look(db, workshop.keys, _event(case, reserved, new), {}, at)
            defer_second_look(db, reserved.case_id, at)
    # Not read back: the row's envelope was sealed a moment ago, and opening it again costs a twentieth of the
    # deposit. A repeat reads the row; the crash tests hold the two answers against each other.
    return tuple(_record(case, item, leaf, at) for item, leaf in zip(new, issued, strict=True)), True


def defer_second_look(db: WriteConnection, case_id: UUID, at: datetime) -> None:
    """Has every object of the case read once more: the store acknowledges before its disks have it."""
    arguments = {"case_id": str(case_id)}
    defer_job(db, queue=UPKEEP_QUEUE, task=SECOND_LOOK_TASK, arguments=arguments, at=at + SECOND_LOOK_AFTER)


def _event(case: CompletedCase, reserved: ReservedCase, new: Sequence[NewCertificate]) -> AuditRow:
    grants = {str(seal.grant_id) for use in reserved.uses for seal in use.seals.values()}
    return AuditRow(
        actor=case.client_id,
        action="deposit",
        certificate_id=None,
        case_id=reserved.case_id,
        details={
            "certificates": [str(item.certificate_id) for item in new],
            "seal_grants": sorted(grants),
        },
        acting_for=case.acting_for,
    )


def _hold_closing_keys(db: WriteConnection, reserved: ReservedCase) -> None:
    """Returns where what closed the case's OFDs is in use still; no row of theirs names it, as their seal's.

    Raises:
        Unavailable: it was stopped meanwhile.
    """
    closing = {use.closing for use in reserved.uses if use.closing is not None}
    if closing:
        stopped = sorted(closing - hold_in_use(db, closing))
        if stopped:
            raise Unavailable(f"Seal {stopped[0]} is stopped; nothing was sealed. Send the case again.")


def _everybody(case: CompletedCase) -> list[Holder]:
    """Everybody whom the case names, its applicant among them."""
    of_results = [holder for result in case.results for holder in result.holders]
    of_materials = [holder for material in case.materials for holder in material.holders]
    return list({holder.code: holder for holder in [case.applicant, *of_results, *of_materials]}.values())


def _new_certificate(
    workshop: Workshop,
    reserved: ReservedCase,
    result: ApprovalResult,
    item: SealedResult,
    filed: tuple[FiledObject, ...],
) -> NewCertificate:
    return NewCertificate(
        certificate_id=item.reservation.certificate_id,
        case_id=reserved.case_id,
        position=item.reservation.position,
        identifier=item.reservation.identifier,
        version=item.reservation.version,
        type_code=result.type_code,
        type_version=reserved.uses[item.reservation.position].type_version,
        issuing_authority=result.issuing_authority,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        number=result.number,
        holders=result.holders,
        fields=result.fields,
        verification_code=item.reservation.verification_code,
        token=item.reservation.token,
        supersedes=result.supersedes,
        documents=tuple(
            StoredDocument(
                document.format,
                document.sha256,
                document.sm3,
                len(document.content),
                document.level,
                document.seal_id,
            )
            for document in item.documents
        ),
        key=workshop.keys.record_key(item.reservation.key),
        object_names=tuple(each.stored_name for each in filed),
    )


def _record(case: CompletedCase, item: NewCertificate, leaf: LeafRow, at: datetime) -> CertificateRecord:
    """What the committed rows say."""
    return CertificateRecord(
        certificate_id=item.certificate_id,
        identifier=item.identifier,
        version=item.version,
        type_code=item.type_code,
        type_version=item.type_version,
        issuing_authority=item.issuing_authority,
        client_id=case.client_id,
        case_number=case.number,
        number=item.number,
        holders=item.holders,
        fields=item.fields,
        issued_on=item.issued_on,
        valid_from=item.valid_from,
        valid_to=item.valid_to,
        status=Status.VALID,
        status_since=at,
        verification_code=item.verification_code,
        token=item.token,
        documents=item.documents,
        supersedes=item.supersedes,
        superseded_by=None,
        committed_at=at,
        promise=leaf.promise,
        log_index=None,
    )


def issue_leaf(workshop: Workshop, item: NewCertificate, at: datetime) -> LeafRow:
    """The leaf of a certificate's issue."""
    content = issue_content(
        identifier=item.identifier,
        type_code=item.type_code,
        issuer=item.issuing_authority,
        valid_from=item.valid_from,
        valid_to=item.valid_to,
        documents=item.documents,
        at=at,
        origin=item.origin.kind,
    )
    return _leaf_row(workshop, item.certificate_id, content, at)


def _supersede(
    db: WriteConnection, workshop: Workshop, case: CompletedCase, new: list[NewCertificate], at: datetime
) -> list[LeafRow]:
    """Takes what is superseded out of force: at once, or by a job on the day on which the new one begins."""
    leaves = []
    for item in new:
        if item.supersedes is None:
            continue
        problem = FieldProblem(f"/results/{item.position}/supersedes", "It is no longer in force.")
        if item.valid_from > legal_day(at):
            if not announce(db, item.supersedes, item.certificate_id):
                raise Conflict("The certificate to supersede was changed meanwhile.", problem)
            defer_take_over(db, item.certificate_id, item.valid_from)
            continue
        event = StatusEvent(
            Action.SUPERSEDE, Status.SUPERSEDED, case.client_id, None, legal_day(at), None, at
        )
        old = supersede(db, item.supersedes, item.certificate_id, event)
        if old is None:
            raise Conflict("The certificate to supersede was changed meanwhile.", problem)
        leaves.append(_leaf_row(workshop, item.supersedes, event_content(old, event), at))
    return leaves


def _leaf_row(workshop: Workshop, certificate_id: UUID, content: bytes, at: datetime) -> LeafRow:
    leaf = promised(workshop.log_key, content, at + workshop.promise_within)
    return LeafRow(certificate_id, leaf.content, leaf.hash, leaf.promise)


def _new_materials(
    workshop: Workshop,
    case: CompletedCase,
    reserved: ReservedCase,
    stored: StoredFiles,
    handed_in: Mapping[str, TakenFile],
) -> list[NewMaterial]:
    return [
        NewMaterial(
            material_id=kept.material_id,
            case_id=reserved.case_id,
            position=n,
            type_code=material.type_code,
            name=material.name,
            sha256=material.sha256,
            size_bytes=len(handed_in[material.sha256].content),
            content_type=handed_in[material.sha256].media_type,
            trust=material.trust,
            issued_on=material.issued_on,
            valid_to=material.valid_to,
            holders=material.holders,
            key=workshop.keys.record_key(kept.key),
            object_name=filed.stored_name,
        )
        for n, (material, kept, filed) in enumerate(
            zip(case.materials, reserved.materials, stored.materials, strict=True)
        )
    ]
