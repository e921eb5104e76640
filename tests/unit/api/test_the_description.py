"""`/openapi.json`: what an integrator is told is complete and true."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.schemas import DepositIn
from tests.unit.api.calling import app_without_engines, call
from vault.model.certificate import Status

DOCUMENT: dict[str, Any] = call(app_without_engines(), "GET", "/openapi.json").json()
OPEN_PATHS = {
    "/.well-known/jwks.json",
    "/v1/catalogue/types",
    "/v1/catalogue/types/{code}",
    "/v1/catalogue/materials",
    "/v1/catalogue/service-items",
    "/v1/catalogue/service-items/{code}",
    "/v1/verifications",
    "/v1/presentations",
    "/v1/statement-keys",
    "/v1/log/checkpoint",
    "/v1/log/shards",
    "/v1/log/tile/{path}",
    "/v1/log/entries/{path}",
    "/v1/log/proofs/{certificate_id}",
    "/v1/log/cosignatures",
    "/v1/log/{year}/checkpoint",
    "/v1/log/{year}/tile/{path}",
    "/.well-known/oauth-authorization-server",
    "/livez",
    "/readyz",
    "/metrics",
    "/version",
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_openapi_3_1_with_the_contracts_paths() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["info"]["version"] == "9.9.9"
    wanted = {
        "/oauth/token",
        "/.well-known/oauth-authorization-server",
        "/v1/uploads/{sha256}",
        "/v1/deposits",
        "/v1/cases/{number}",
        "/v1/cases/{number}/may-close",
        "/v1/certificates/{certificate_id}",
        "/v1/certificates/{certificate_id}/status",
        "/v1/certificates/{certificate_id}/inspections",
        "/v1/holdings",
        "/v1/lookups",
        "/v1/reuse-checks",
        "/v1/materials/{material_id}/verification",
        "/v1/certificates/{certificate_id}/document",
        "/v1/certificates/{certificate_id}/evidence",
        "/v1/changes",
        "/v1/webhooks",
        "/v1/webhooks/{webhook_id}",
        "/v1/webhooks/{webhook_id}/secrets",
        "/v1/me/certificates",
        "/v1/me/certificates/{certificate_id}/document",
        "/v1/me/accesses",
        "/v1/me/consents",
        "/v1/me/consents/{consent_id}",
        "/v1/me/delegations",
        "/v1/me/delegations/{delegation_id}",
        "/v1/me/presentations",
        "/v1/me/disputes",
        "/v1/disputes",
        "/v1/disputes/{dispute_id}/decision",
        "/v1/me/uses/{use_id}",
        "/v1/uses",
        "/v1/uses/redemptions",
        "/v1/uses/{use_id}/copy",
        "/v1/uses/{use_id}/revocation",
        "/v1/seals",
        "/v1/seals/{seal_id}/stop",
        "/v1/seals/{seal_id}/resumption",
        "/v1/seals/{seal_id}/resumption/approval",
        "/v1/seal-grants",
        "/v1/seal-grants/{grant_id}/approval",
        "/v1/seal-grants/{grant_id}/end",
        "/v1/imports",
        "/v1/imports/{import_id}",
        "/v1/imports/{import_id}/results",
    }
    assert set(DOCUMENT["paths"]) == wanted | OPEN_PATHS


@pytest.mark.parametrize(("path", "method", "operation"), [*operations()], ids=str)
def test_every_operation_is_named_explained_and_says_who_may(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"], method
    assert operation["description"]
    assert operation["tags"]
    assert bool(operation.get("security")) is (path not in OPEN_PATHS)


@pytest.mark.parametrize(("path", "method", "operation"), [*operations()], ids=str)
def test_every_refusal_is_a_problem_document(path: str, method: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) < 400 or path == "/readyz" or (path == "/oauth/token" and status in {"400", "401"}):
            continue
        assert list(response["content"]) == ["application/problem+json"], (path, method, status)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for below in value.values():
            yield from references(below)
    elif isinstance(value, list):
        for below in value:
            yield from references(below)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_the_deposit_takes_what_is_described_and_nothing_more() -> None:
    schema = DOCUMENT["components"]["schemas"]["DepositIn"]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(DepositIn.model_fields)


def test_states_are_the_models_own() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Status"]["enum"]) == {status.value for status in Status}
