"""Ways of an import: a register full of marks, one row that is right and one in which nothing is."""

import csv
import hashlib
import io
import zipfile

import httpx

from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.story import Story, Way
from tests.papers import new_pdf
from tests.requests import FOOD, kind_named

_COLUMNS = {
    "编号": "number",
    "名称": "holders.0.name",
    "代码": "holders.0.code",
    "日期": "issued_on",
    "文件": "file",
    "来源": "origin",
    "核对人": "attested.officer",
    "核对日": "attested.on",
}


def _register(s: Story) -> bytes:
    example = kind_named(s.vault.house.catalogue, FOOD).example
    faces = {f"照面{n}": key for n, key in enumerate(example["fields"])}
    out = io.StringIO()
    writer = csv.DictWriter(out, [*_COLUMNS, *faces])
    writer.writeheader()
    right = {
        "编号": s.mark(Kind.NAME),
        "名称": s.company["name"],
        "代码": s.company["code"],
        "日期": "2024-03-05",
        "来源": "",
        **{column: example["fields"][key] for column, key in faces.items()},
    }
    writer.writerow(right)
    writer.writerow({column: s.mark(Kind.NAME) for column in (*_COLUMNS, *faces)})
    return out.getvalue().encode()


def _mapping(s: Story) -> dict[str, object]:
    kind = kind_named(s.vault.house.catalogue, FOOD)
    faces = {f"照面{n}": f"fields.{key}" for n, key in enumerate(kind.example["fields"])}
    constants = {"type": kind.code, "attested.officer": s.mark(Kind.NAME)}
    columns = {column: field for column, field in _COLUMNS.items() if field != "attested.officer"}
    return {"columns": {**columns, **faces}, "constants": constants}


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.pdf", new_pdf())
    return out.getvalue()


def _send(content: bytes, media_type: str) -> Way:
    def way(s: Story) -> Call:
        at = {"sha256": hashlib.sha256(content).hexdigest()}
        headers = {**s.client(), "content-type": media_type}
        return Call(("PUT", "/v1/uploads/{sha256}"), at=at, headers=headers, content=content)

    return way


def _upload_register(s: Story) -> Call:
    s.register = _register(s)
    return _send(s.register, "text/csv")(s)


def _upload_zip(s: Story) -> Call:
    s.stock = _zip()
    return _send(s.stock, "application/zip")(s)


def _ask(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.import_id = answer.json()["import_id"]

    body = {
        "manifest": {"sha256": hashlib.sha256(s.register).hexdigest(), "name": "register.csv"},
        "mapping": _mapping(s),
        "files": {"sha256": hashlib.sha256(s.stock).hexdigest()},
        "dry_run": False,
    }
    return Call(("POST", "/v1/imports"), headers=s.client(), body=body, learn=learn)


def _of_import(path: str) -> Way:
    return lambda s: Call(("GET", path), at={"import_id": s.import_id}, headers=s.client())


IMPORTING: tuple[Way, ...] = (
    _upload_register,
    _upload_zip,
    _ask,
    lambda s: Call(("GET", "/v1/imports"), headers=s.client()),
    _of_import("/v1/imports/{import_id}"),
    _of_import("/v1/imports/{import_id}/results"),
)
