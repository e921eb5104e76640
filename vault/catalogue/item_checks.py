"""What is wrong with a service item: references that lead nowhere, requirements that nothing satisfies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vault.catalogue.definitions import City
from vault.catalogue.files import CatalogueProblem, PathKey, SourceFile
from vault.catalogue.items import TRUST_MIN_UNLESS_SAID
from vault.model.catalogue import CertificateType, HolderKind
from vault.model.certificate import TrustLevel
from vault.model.service_item import HolderRole, MaterialType

_TRUST_ORDER = tuple(TrustLevel)
_EVERY_KIND = frozenset(HolderKind)


@dataclass(frozen=True, slots=True)
class Known:
    """What an item may refer to. `types`: None for a kind whose own file is broken: not judged twice."""

    city: City
    types: Mapping[str, CertificateType | None]
    materials: Mapping[str, MaterialType]


def material_problems(source: SourceFile) -> Iterator[CatalogueProblem]:
    """Codes that stand twice in `materials.yaml`."""
    seen: set[str] = set()
    for index, row in enumerate(source.data["materials"]):
        if row["code"] in seen:
            yield source.problem(
                ("materials", index, "code"), f"expected each code once, got {row['code']} twice"
            )
        seen.add(row["code"])


def item_problems(source: SourceFile, known: Known) -> Iterator[CatalogueProblem]:
    """Everything that is wrong with an item whose shape is right."""
    data = source.data
    if data["authority"] not in {authority.id for authority in known.city.authorities}:
        yield source.problem(
            ("authority",), f"expected the id of an authority of the city, got {data['authority']!r}"
        )
    seen: set[str] = set()
    for index, entry in enumerate(data["requirements"]):
        path: PathKey = ("requirements", index)
        if entry["id"] in seen:
            yield source.problem((*path, "id"), f"expected each id once, got {entry['id']} twice")
        seen.add(entry["id"])
        yield from _condition_problems(source, path, entry)
        for n, way in enumerate(entry["any_of"]):
            yield from _way_problems(source, (*path, "any_of", n), entry, way, known)
        if "trust_min" in entry and not any("material" in way for way in entry["any_of"]):
            yield source.problem(
                (*path, "trust_min"), "expected a material among any_of: certificates have no level"
            )


def _asked_of(data: Mapping[str, Any], entry: Mapping[str, Any]) -> frozenset[HolderKind]:
    """The kinds of applicant to whom the requirement is put."""
    applicants = frozenset(HolderKind(kind) for kind in data["applicants"])
    return applicants & {HolderKind(entry["only_for"])} if "only_for" in entry else applicants


def _holder_kinds(data: Mapping[str, Any], entry: Mapping[str, Any]) -> frozenset[HolderKind]:
    """The kinds of those whose it must be."""
    match HolderRole(entry.get("holder", HolderRole.APPLICANT)):
        case HolderRole.LEGAL_REPRESENTATIVE:
            return frozenset({HolderKind.PERSON})
        case HolderRole.AGENT:
            return _EVERY_KIND
        case HolderRole.APPLICANT | HolderRole.CO_OWNER:
            return _asked_of(data, entry)


def _condition_problems(
    source: SourceFile, path: PathKey, entry: Mapping[str, Any]
) -> Iterator[CatalogueProblem]:
    """Conditions that are never met, and roles that nobody has."""
    applicants = source.data["applicants"]
    if "only_for" in entry and entry["only_for"] not in applicants:
        detail = f"expected one of the item's applicants ({', '.join(applicants)}), got {entry['only_for']}"
        yield source.problem((*path, "only_for"), f"{detail}: it would never be asked for")
    role = entry.get("holder", HolderRole.APPLICANT)
    if role == HolderRole.LEGAL_REPRESENTATIVE and HolderKind.PERSON in _asked_of(source.data, entry):
        yield source.problem(
            (*path, "holder"),
            "expected only_for: organisation, since a person has no legal representative",
        )
    if role == HolderRole.AGENT and not entry.get("only_if_agent", False):
        yield source.problem(
            (*path, "holder"), "expected only_if_agent: true, since most applicants have no agent"
        )


def _way_problems(
    source: SourceFile, path: PathKey, entry: Mapping[str, Any], way: Mapping[str, str], known: Known
) -> Iterator[CatalogueProblem]:
    if ("certificate" in way) == ("material" in way):
        yield source.problem(path, "expected either certificate or material")
    elif "material" in way:
        yield from _material_problems(source, path, entry, way, known)
    elif way["certificate"] not in known.types:
        yield source.problem(
            (*path, "certificate"),
            f"expected the code of a certificate type, got {way['certificate']!r}",
        )
    else:
        kind = known.types[way["certificate"]]
        if kind is not None:
            yield from _certificate_problems(source, path, entry, way, kind)


def _material_problems(
    source: SourceFile, path: PathKey, entry: Mapping[str, Any], way: Mapping[str, str], known: Known
) -> Iterator[CatalogueProblem]:
    if "field" in way:
        yield source.problem((*path, "field"), "expected a certificate beside field: materials have no face")
    material = known.materials.get(way["material"])
    if material is None:
        yield source.problem((*path, "material"), f"expected the code of a material, got {way['material']!r}")
        return
    if "issued_within_days" in entry and not material.dated:
        detail = f"expected a material that bears a date of issue, got {material.name}, which has none"
        yield source.problem((*path, "material"), f"{detail}: its age cannot be told")
    wanted = TrustLevel(entry.get("trust_min", TRUST_MIN_UNLESS_SAID))
    if _TRUST_ORDER.index(material.trust_best) > _TRUST_ORDER.index(wanted):
        detail = f"expected a material that reaches level {wanted}, got {material.name}"
        yield source.problem((*path, "material"), f"{detail}, which is {material.trust_best} at best")


def _certificate_problems(
    source: SourceFile,
    path: PathKey,
    entry: Mapping[str, Any],
    way: Mapping[str, str],
    kind: CertificateType,
) -> Iterator[CatalogueProblem]:
    holders = _holder_kinds(source.data, entry)
    if holders and not holders & kind.holders.kinds:
        wanted, got = _named(holders), _named(kind.holders.kinds)
        detail = f"expected a certificate that a {wanted} holds, got {kind.name}, held by a {got}"
        yield source.problem((*path, "certificate"), f"{detail}: it could never be satisfied so")
    if "field" not in way:
        return
    field = next((field for field in kind.face if field.key == way["field"]), None)
    if field is None:
        yield source.problem((*path, "field"), f"expected a face field of {kind.name}, got {way['field']!r}")
    elif not field.required or field.photo_media_type is not None:
        yield source.problem(
            (*path, "field"),
            f"expected a text that every {kind.name} has, got {way['field']!r}, which may be missing",
        )


def _named(kinds: frozenset[HolderKind]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds))
