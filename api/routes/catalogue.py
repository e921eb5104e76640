"""The catalogue of certificate types, service items and materials, open to everybody."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.answers import (
    MaterialTypesOut,
    ServiceItemOut,
    ServiceItemsOut,
    TypeOut,
    TypesOut,
    problems,
)
from api.deps import EdgeHere, now
from vault.catalogue import item_json, material_json
from vault.model.catalogue import CertificateType

router = APIRouter(tags=["catalogue"], prefix="/v1/catalogue")


@router.get(
    "/types", summary="Every certificate type in force", response_model=TypesOut, responses=problems(503)
)
def list_types(edge: EdgeHere) -> JSONResponse:
    """In the order of their codes."""
    types = edge.workshop.shelf.types(now())
    return JSONResponse({"types": [_type_json(types[code]) for code in sorted(types)]})


@router.get(
    "/types/{code}", summary="One certificate type", response_model=TypeOut, responses=problems(404, 503)
)
def get_type(code: str, edge: EdgeHere) -> JSONResponse:
    """`example` is a whole member of a deposit's `results` that would be taken as it stands."""
    return JSONResponse(_type_json(edge.workshop.shelf.type(code, now())))


@router.get(
    "/service-items",
    summary="Every service item in force",
    response_model=ServiceItemsOut,
    responses=problems(503),
)
def list_items(edge: EdgeHere) -> JSONResponse:
    """In the order of their codes, each with what it requires."""
    items = edge.workshop.shelf.items(now())
    return JSONResponse({"service_items": [item_json(items[code]) for code in sorted(items)]})


@router.get(
    "/service-items/{code}",
    summary="One service item",
    response_model=ServiceItemOut,
    responses=problems(404, 503),
)
def get_item(code: str, edge: EdgeHere) -> JSONResponse:
    """Each requirement is satisfied by any of its ways, for every holder in its role."""
    return JSONResponse(item_json(edge.workshop.shelf.item(code, now())))


@router.get(
    "/materials",
    summary="Every material in force",
    response_model=MaterialTypesOut,
    responses=problems(503),
)
def list_materials(edge: EdgeHere) -> JSONResponse:
    """In the order of their codes: what a deposit may call a material."""
    materials = edge.workshop.shelf.in_force(now()).materials
    return JSONResponse({"materials": [material_json(each) for _, each in sorted(materials.items())]})


def _type_json(kind: CertificateType) -> dict[str, Any]:
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
        "schema": kind.schema,
        "example": kind.example,
        "digest": kind.digest,
    }
