"""A reuse check's answer as the contract writes it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from storage.reuse import MaterialFacts
from vault.model.footing import footing_json
from vault.model.held import Evidence, HeldCertificate, Party
from vault.model.origin import Origin, origin_json, shown_origin
from vault.model.reuse_lines import Line, Obstacle, Proof
from vault.model.reuse_words import why
from vault.model.service_item import FieldWay, Way
from vault.reuse.checking import Answer


def answer_json(answer: Answer) -> dict[str, Any]:
    """The whole answer; a line for each required material, in the catalogue's order."""
    question = answer.question
    return {
        "service_item": question.item.code,
        "service_item_name": question.item.name,
        "case_number": question.case_number,
        "on": question.on.isoformat(),
        "needed_until": question.needed_until.isoformat(),
        **footing_json(answer.footing),
        "lines": [_line_json(answer, line) for line in answer.lines],
    }


def _line_json(answer: Answer, line: Line) -> dict[str, Any]:
    requirement, question = line.requirement, answer.question
    return {
        "requirement": requirement.id,
        "name": requirement.name,
        "name_en": requirement.name_en,
        "state": line.state.value,
        "why": why(line, on=question.on, needed_until=question.needed_until),
        "satisfied_by": [_proof_json(answer, proof) for proof in line.satisfied_by],
        "not_usable": [_obstacle_json(answer.materials, obstacle) for obstacle in line.obstacles],
    }


def _proof_json(answer: Answer, proof: Proof) -> dict[str, Any]:
    found = _evidence_json(answer.materials, proof.way, proof.evidence, proof.party)
    if isinstance(proof.evidence, HeldCertificate):
        opened = answer.opened[proof.evidence.certificate_id]
        found["number"] = opened.number
        found["origin"] = shown_origin(origin_json(opened.origin))
        if isinstance(proof.way, FieldWay):
            found |= {
                "field": proof.way.field,
                "label": proof.way.label,
                "value": opened.fields[proof.way.field],
            }
    return found


def _obstacle_json(materials: Mapping[UUID, MaterialFacts], obstacle: Obstacle) -> dict[str, Any]:
    found = _evidence_json(materials, obstacle.way, obstacle.evidence, obstacle.party)
    return found | {"reasons": [reason.value for reason in obstacle.reasons]}


def _evidence_json(
    materials: Mapping[UUID, MaterialFacts], way: Way, evidence: Evidence, party: Party
) -> dict[str, Any]:
    """`holder`: the place among the request's holders, from 0, of the one for whom it counts.

    `origin`: its kind, as the row has it in clear; an envelope that names people is not opened for it.
    """
    common = {
        "type": evidence.type_code,
        "type_name": way.name,
        "issued_on": None if evidence.issued_on is None else evidence.issued_on.isoformat(),
        "valid_to": None if evidence.valid_to is None else evidence.valid_to.isoformat(),
        "holder": party.position,
    }
    if isinstance(evidence, HeldCertificate):
        return {
            "kind": "certificate",
            "certificate_id": str(evidence.certificate_id),
            "identifier": evidence.identifier,
            "status": evidence.status.value,
            "disputed_on": None if evidence.disputed_on is None else evidence.disputed_on.isoformat(),
            "origin": shown_origin(origin_json(Origin(evidence.origin))),
            **common,
        }
    facts = materials[evidence.material_id]
    return {
        "kind": "material",
        "material_id": str(evidence.material_id),
        "trust": evidence.trust.value,
        "case_number": facts.case_number,
        "sha256": facts.sha256,
        **common,
    }
