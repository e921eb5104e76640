"""The description at `/openapi.json`: FastAPI's, with problem documents and security put right."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.schemas import CodeQuestion, TokenQuestion

TITLE = "certvault 电子证照库"
DESCRIPTION = """\
When an approval case completes, its results are sealed, stored and indexed here; anybody can verify them, and
holders download them.

**An approval system in four calls**

1. `POST /oauth/token` with an assertion that you sign, or with your id and secret: a token for ten minutes.
2. `GET /v1/catalogue/types/{code}`: the certificate type's face fields as JSON Schema, and a valid example.
3. `POST /v1/deposits` with the completed case: receipts with identifier, verification code and documents.
   Send the same body again after any failure; it is deposited once.
4. `GET` a receipt's `href`: the sealed file, byte for byte, for ever.

**Conventions.** JSON in UTF-8, `snake_case`; times in RFC 3339 UTC, dates as `YYYY-MM-DD`. Errors are problem
documents (RFC 9457): `type` is stable, `errors` names each bad field by its JSON pointer. Unknown fields are
refused.
"""
TAGS = [
    {"name": "access", "description": "Tokens for approval systems."},
    {"name": "catalogue", "description": "What kinds of certificates there are, and what each wants."},
    {"name": "deposit", "description": "A completed case hands in its results. (办结入库)"},
    {"name": "lifecycle", "description": "What becomes of a certificate after its issue. (状态变更)"},
    {"name": "look-up", "description": "What a holder has, and the sealed files. (查询、调取)"},
    {"name": "reuse", "description": "What nobody has to hand in again. (免提交)"},
    {"name": "changes", "description": "Everything that happened, in order; and webhooks. (变更推送)"},
    {"name": "use", "description": "Use codes and usage copies for a case. (用证码、加注件)"},
    {"name": "verification", "description": "For anybody, without signing in. (验证)"},
    {"name": "log", "description": "What the vault has issued, for everybody to check. (透明日志)"},
    {"name": "holder", "description": "For the people whose certificates these are. (我的证照)"},
    {"name": "disputes", "description": "What holders say is wrong, for the bodies that decide. (异议处理)"},
    {"name": "custody", "description": "For those who look after seals. (印章管理)"},
    {"name": "operations", "description": "For whoever runs the vault."},
]
_REF = "#/components/schemas/"
_PROBLEM_REF = f"{_REF}ProblemOut"
# What FastAPI describes for its own 422, which this API never sends.
_NEVER_SENT = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of this application."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=TITLE,
            version=app.version,
            openapi_version="3.1.0",
            description=DESCRIPTION,
            routes=app.routes,
            tags=TAGS,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        for operation in _operations(document):
            _mend(operation)
        components = document["components"]
        for name in _NEVER_SENT:
            components["schemas"].pop(name, None)
        for shape in (TokenQuestion, CodeQuestion):
            components["schemas"][shape.__name__] = shape.model_json_schema(ref_template=_REF + "{model}")
        components["securitySchemes"]["client_secret"] = {
            "type": "http",
            "scheme": "basic",
            "description": "Client id and secret, each form-encoded first (RFC 6749, 2.3.1).",
        }
        app.openapi_schema = document
    return app.openapi_schema


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def _mend(operation: dict[str, Any]) -> None:
    """Problems get their media type; the 422 that FastAPI adds by itself goes."""
    for status, response in list(operation["responses"].items()):
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        if schema.get("$ref") == _PROBLEM_REF:
            response["content"] = {MEDIA_TYPE: {"schema": schema}}
        elif schema.get("$ref") == _REF + _NEVER_SENT[0]:
            del operation["responses"][status]
