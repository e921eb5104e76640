"""A definition's data made into a `CertificateType`, and that into JSON for the database and back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from vault.catalogue.faces import face_schema
from vault.model.catalogue import (
    Category,
    CertificateType,
    DocumentFormat,
    FaceField,
    HolderKind,
    HolderRule,
    IssuingAuthority,
    SealPlace,
    ValidityRule,
)

# Long enough for as many years, whichever they are.
YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class CityAuthority:
    """An authority of the city: `id` is what the kinds' files call it, `code` its USCC."""

    id: str
    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class City:
    """The city whose authorities issue the kinds. `operator`: who runs the vault and seals usage copies."""

    name: str
    name_en: str
    province: str
    province_en: str
    operator: CityAuthority
    authorities: tuple[CityAuthority, ...]


def city_from_yaml(data: Mapping[str, Any]) -> City:
    """The city as `city.yaml` holds it; `data` has passed `city.schema.json`."""
    return City(
        name=data["name"],
        name_en=data["name_en"],
        province=data["province"],
        province_en=data["province_en"],
        operator=CityAuthority(id="operator", **data["operator"]),
        authorities=tuple(CityAuthority(**authority) for authority in data["authorities"]),
    )


def type_from_yaml(
    data: Mapping[str, Any], city: City, seal_places: Mapping[str, SealPlace]
) -> CertificateType:
    """A kind as its YAML file holds it; `data` has passed `kind.schema.json`, and its references are known.

    `seal_places` maps each template's name to where it wants the seal.
    """
    by_id = {authority.id: authority for authority in city.authorities}
    seal = data.get("seal")
    face = tuple(
        FaceField(
            key=field["key"],
            label=field["label"],
            label_en=field["label_en"],
            schema=field["schema"],
            required=field.get("required", True),
            wide=field.get("wide", False),
            unit=field.get("unit", ""),
        )
        for field in data["face"]
    )
    return _with_digest(
        CertificateType(
            code=data["code"],
            version=data["version"],
            name=data["name"],
            name_en=data["name_en"],
            category=Category(data["category"]),
            authorities=tuple(IssuingAuthority(by_id[i].code, by_id[i].name) for i in data["authorities"]),
            holders=_holder_rule(data["holders"]),
            validity=ValidityRule(data["validity"]["required"], data["validity"]["years_max"]),
            formats=tuple(DocumentFormat(f) for f in data["formats"]),
            template=data["template"],
            seal_place=_seal_place(seal) if seal is not None else seal_places[data["template"]],
            title_lines=tuple(data.get("title_lines", ())),
            layout=data.get("layout", {}),
            number_pattern=data["number_pattern"],
            face=face,
            schema=face_schema(data["name"], face),
            example=data["example"],
            digest="",
            retention=_retention(data),
        )
    )


def definition_json(kind: CertificateType) -> dict[str, Any]:
    """The whole definition as JSON values; `type_from_json` makes the same kind of it, digest included."""
    return {
        "code": kind.code,
        "version": kind.version,
        "name": kind.name,
        "name_en": kind.name_en,
        "category": kind.category.value,
        "authorities": [{"code": a.code, "name": a.name} for a in kind.authorities],
        "holders": {
            "kinds": sorted(k.value for k in kind.holders.kinds),
            "count_min": kind.holders.count_min,
            "count_max": kind.holders.count_max,
        },
        "validity": {"required": kind.validity.required, "years_max": kind.validity.years_max},
        "formats": [f.value for f in kind.formats],
        "template": kind.template,
        "seal": {
            "page": kind.seal_place.page,
            "x_mm": kind.seal_place.x_mm,
            "y_mm": kind.seal_place.y_mm,
            "diameter_mm": kind.seal_place.diameter_mm,
        },
        "title_lines": list(kind.title_lines),
        "layout": dict(kind.layout),
        "number_pattern": kind.number_pattern,
        "face": [
            {
                "key": f.key,
                "label": f.label,
                "label_en": f.label_en,
                "schema": dict(f.schema),
                "required": f.required,
                "wide": f.wide,
                "unit": f.unit,
            }
            for f in kind.face
        ],
        "example": dict(kind.example),
        "digest": kind.digest,
        # Only where given: kinds that say nothing keep their digest.
        **({} if kind.retention is None else {"retention_years": kind.retention // YEAR}),
    }


def type_from_json(definition: Mapping[str, Any]) -> CertificateType:
    """The kind that `definition_json` wrote; key order inside objects does not matter (JSONB keeps none)."""
    face = tuple(FaceField(**field) for field in definition["face"])
    return CertificateType(
        code=definition["code"],
        version=definition["version"],
        name=definition["name"],
        name_en=definition["name_en"],
        category=Category(definition["category"]),
        authorities=tuple(IssuingAuthority(a["code"], a["name"]) for a in definition["authorities"]),
        holders=_holder_rule(definition["holders"]),
        validity=ValidityRule(definition["validity"]["required"], definition["validity"]["years_max"]),
        formats=tuple(DocumentFormat(f) for f in definition["formats"]),
        template=definition["template"],
        seal_place=_seal_place(definition["seal"]),
        title_lines=tuple(definition["title_lines"]),
        layout=definition["layout"],
        number_pattern=definition["number_pattern"],
        face=face,
        schema=face_schema(definition["name"], face),
        example=definition["example"],
        digest=definition["digest"],
        retention=_retention(definition),
    )


def _with_digest(kind: CertificateType) -> CertificateType:
    """The kind with its digest: SHA-256 of the definition without it, as JSON with sorted keys."""
    definition = definition_json(kind)
    del definition["digest"]
    content = json.dumps(definition, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return replace(kind, digest=hashlib.sha256(content.encode()).hexdigest())


def _retention(data: Mapping[str, Any]) -> timedelta | None:
    years = data.get("retention_years")
    return None if years is None else years * YEAR


def _holder_rule(data: Mapping[str, Any]) -> HolderRule:
    kinds: Sequence[str] = data["kinds"]
    return HolderRule(frozenset(HolderKind(k) for k in kinds), data["count_min"], data["count_max"])


def _seal_place(data: Mapping[str, Any]) -> SealPlace:
    return SealPlace(
        page=data["page"],
        x_mm=float(data["x_mm"]),
        y_mm=float(data["y_mm"]),
        diameter_mm=float(data["diameter_mm"]),
    )
