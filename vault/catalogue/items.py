"""Service items and materials: from the data of their files, and into JSON for the database and back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vault.catalogue.definitions import City
from vault.model.catalogue import CertificateType, HolderKind, IssuingAuthority
from vault.model.certificate import TrustLevel
from vault.model.service_item import (
    CertificateWay,
    FieldWay,
    HolderRole,
    MaterialType,
    MaterialWay,
    Requirement,
    ServiceItem,
    Way,
)

# 108号: what a window compared with the original may be used again; less has to be said in the item.
TRUST_MIN_UNLESS_SAID = TrustLevel.B


def materials_from_yaml(data: Mapping[str, Any]) -> dict[str, MaterialType]:
    """The catalogue of materials by code; `data` has passed `materials.schema.json`."""
    return {row["code"]: _material(row) for row in data["materials"]}


def _material(row: Mapping[str, Any]) -> MaterialType:
    material = MaterialType(
        code=row["code"],
        version=row.get("version", 1),
        name=row["name"],
        name_en=row["name_en"],
        dated=row.get("dated", False),
        trust_best=TrustLevel(row.get("trust_best", TrustLevel.A)),
        digest="",
    )
    return replace(material, digest=_digest(material_json(material)))


def material_json(material: MaterialType) -> dict[str, Any]:
    """The whole row as JSON values; `material_from_json` makes the same material of it."""
    return {
        "code": material.code,
        "version": material.version,
        "name": material.name,
        "name_en": material.name_en,
        "dated": material.dated,
        "trust_best": material.trust_best.value,
        "digest": material.digest,
    }


def material_from_json(definition: Mapping[str, Any]) -> MaterialType:
    """The material that `material_json` wrote."""
    return MaterialType(**{**definition, "trust_best": TrustLevel(definition["trust_best"])})


def item_from_yaml(
    data: Mapping[str, Any],
    city: City,
    types: Mapping[str, CertificateType],
    materials: Mapping[str, MaterialType],
) -> ServiceItem:
    """An item as its YAML file holds it; `data` has passed `item.schema.json`, its references are known."""
    authority = next(a for a in city.authorities if a.id == data["authority"])
    applicants = frozenset(HolderKind(kind) for kind in data["applicants"])
    requirements = []
    for entry in data["requirements"]:
        only_for = entry.get("only_for")
        requirements.append(
            Requirement(
                id=entry["id"],
                name=entry["name"],
                name_en=entry["name_en"],
                ways=tuple(_way(way, types, materials) for way in entry["any_of"]),
                holder=HolderRole(entry.get("holder", HolderRole.APPLICANT)),
                only_for=applicants if only_for is None else frozenset({HolderKind(only_for)}),
                only_if_agent=entry.get("only_if_agent", False),
                issued_within_days=entry.get("issued_within_days"),
                valid_on_decision=entry.get("valid_on_decision", False),
                trust_min=TrustLevel(entry.get("trust_min", TRUST_MIN_UNLESS_SAID)),
            )
        )
    item = ServiceItem(
        code=data["code"],
        version=data["version"],
        name=data["name"],
        name_en=data["name_en"],
        authority=IssuingAuthority(authority.code, authority.name),
        applicants=applicants,
        requirements=tuple(requirements),
        digest="",
    )
    return replace(item, digest=_digest(item_json(item)))


def _digest(definition: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of a definition without its own digest."""
    rest = {name: value for name, value in definition.items() if name != "digest"}
    content = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def item_json(item: ServiceItem) -> dict[str, Any]:
    """The whole definition as JSON values; `item_from_json` makes the same item of it, digest included."""
    return {
        "code": item.code,
        "version": item.version,
        "name": item.name,
        "name_en": item.name_en,
        "authority": {"code": item.authority.code, "name": item.authority.name},
        "applicants": sorted(kind.value for kind in item.applicants),
        "requirements": [_requirement_json(requirement) for requirement in item.requirements],
        "digest": item.digest,
    }


def item_from_json(definition: Mapping[str, Any]) -> ServiceItem:
    """The item that `item_json` wrote."""
    return ServiceItem(
        code=definition["code"],
        version=definition["version"],
        name=definition["name"],
        name_en=definition["name_en"],
        authority=IssuingAuthority(definition["authority"]["code"], definition["authority"]["name"]),
        applicants=frozenset(HolderKind(kind) for kind in definition["applicants"]),
        requirements=tuple(_requirement_from_json(each) for each in definition["requirements"]),
        digest=definition["digest"],
    )


def _way(
    way: Mapping[str, str], types: Mapping[str, CertificateType], materials: Mapping[str, MaterialType]
) -> Way:
    if "material" in way:
        return MaterialWay(way["material"], materials[way["material"]].name)
    kind = types[way["certificate"]]
    if "field" not in way:
        return CertificateWay(kind.code, kind.name)
    label = next(field.label for field in kind.face if field.key == way["field"])
    return FieldWay(kind.code, kind.name, way["field"], label)


def _requirement_json(requirement: Requirement) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "name": requirement.name,
        "name_en": requirement.name_en,
        "any_of": [_way_json(way) for way in requirement.ways],
        "holder": requirement.holder.value,
        "only_for": sorted(kind.value for kind in requirement.only_for),
        "only_if_agent": requirement.only_if_agent,
        "issued_within_days": requirement.issued_within_days,
        "valid_on_decision": requirement.valid_on_decision,
        "trust_min": requirement.trust_min.value,
    }


def _way_json(way: Way) -> dict[str, str]:
    match way:
        case MaterialWay(type_code, name):
            return {"material": type_code, "name": name}
        case FieldWay(type_code, name, field, label):
            return {"certificate": type_code, "name": name, "field": field, "label": label}
        case CertificateWay(type_code, name):
            return {"certificate": type_code, "name": name}


def _requirement_from_json(entry: Mapping[str, Any]) -> Requirement:
    return Requirement(
        id=entry["id"],
        name=entry["name"],
        name_en=entry["name_en"],
        ways=tuple(_way_from_json(way) for way in entry["any_of"]),
        holder=HolderRole(entry["holder"]),
        only_for=frozenset(HolderKind(kind) for kind in entry["only_for"]),
        only_if_agent=entry["only_if_agent"],
        issued_within_days=entry["issued_within_days"],
        valid_on_decision=entry["valid_on_decision"],
        trust_min=TrustLevel(entry["trust_min"]),
    )


def _way_from_json(way: Mapping[str, str]) -> Way:
    if "material" in way:
        return MaterialWay(way["material"], way["name"])
    if "field" in way:
        return FieldWay(way["certificate"], way["name"], way["field"], way["label"])
    return CertificateWay(way["certificate"], way["name"])
