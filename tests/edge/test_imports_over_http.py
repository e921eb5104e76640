"""An import as a client meets it: uploaded, asked for, done by the worker's job, and told row by row."""

import csv
import hashlib
import io
import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.answers.imports import ImportOut, ImportsOut
from api.import_hands import own_hands
from api.import_job import import_now
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.importing.conftest import archive  # noqa: F401 - a fixture
from tests.papers import new_pdf
from tests.registers import Register
from tests.requests import example_request

pytestmark = pytest.mark.engines

CSV, ZIP = "text/csv", "application/zip"


class Desk:
    """A client that uploads and asks, and a worker that does it."""

    def __init__(self, caller: Caller, bearer: dict[str, str], house: House) -> None:
        self.caller, self.bearer, self.house = caller, bearer, house

    def upload(self, content: bytes, media_type: str) -> str:
        """The digest of what it has uploaded."""
        sha256 = hashlib.sha256(content).hexdigest()
        headers = {**self.bearer, "content-type": media_type}
        answer = self.caller("PUT", f"/v1/uploads/{sha256}", content=content, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        return sha256

    def ask(self, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        """What asking for an import is answered."""
        answer = self.caller("POST", "/v1/imports", json=body, headers=self.bearer)
        assert answer.status_code == status, answer.text
        return shaped(ImportOut, answer) if status == 201 else answer.json()

    def work(self, import_id: str) -> dict[str, Any]:
        """How the import stands when the job is done."""
        workshop = self.house.wired.workshop
        import_now(workshop, UUID(import_id), partial(own_hands, workshop))
        return shaped(ImportOut, self.caller("GET", f"/v1/imports/{import_id}", headers=self.bearer))

    def results(self, import_id: str) -> list[dict[str, str]]:
        """The result file."""
        answer = self.caller("GET", f"/v1/imports/{import_id}/results", headers=self.bearer)
        assert answer.headers["content-type"].startswith(CSV)
        return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.fixture
def desk(caller: Caller, bearer: dict[str, str], archive: House) -> Desk:  # noqa: F811 - the fixture
    return Desk(caller, bearer, archive)


def test_a_register_with_a_zip(desk: Desk, tmp_path: Path) -> None:
    register = Register(desk.house)
    register.add(文件="a.pdf", 来源="扫描件已核对", 核对人="核样", 核对日期="2025-06-01")
    register.add()
    register.add(证件号码="1")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("a.pdf", new_pdf())
    body = {
        "manifest": {"sha256": desk.upload(register.csv(tmp_path).read_bytes(), CSV), "name": "r.csv"},
        "mapping": register.mapping_json(),
        "files": {"sha256": desk.upload(packed.getvalue(), ZIP)},
    }
    asked = desk.ask(body)
    assert (asked["state"], asked["done"], asked["total"]) == ("running", 0, None)
    done = desk.work(asked["import_id"])
    assert (done["state"], done["imported"], done["rejected"], done["total"]) == ("done", 2, 1, 3)
    rows = desk.results(asked["import_id"])
    assert [(row["row"], row["state"]) for row in rows] == [
        ("2", "imported"),
        ("3", "imported"),
        ("4", "rejected"),
    ]
    assert rows[2]["reason"].startswith("证件号码 (holders.0.code):")
    certificate = desk.caller(
        "GET", f"/v1/certificates/{rows[0]['certificate_id']}", headers=desk.bearer
    ).json()
    assert certificate["origin"]["kind"] == "scan_attested"
    assert certificate["origin"]["officer"] == "核样"
    path = f"/v1/certificates/{rows[0]['certificate_id']}/document?format=pdf"
    document = desk.caller("GET", path, headers=desk.bearer).content
    pdf = {"content-type": "application/pdf"}
    report = desk.caller("POST", "/v1/verifications", content=document, headers=pdf).json()
    assert report["verdict"] == "genuine"
    assert report["certificate"]["origin"]["kind"] == "scan_attested"
    assert ("origin", "passed") in [(check["name"], check["result"]) for check in report["checks"]]
    page = desk.caller("POST", "/", files={"file": ("a.pdf", document, "application/pdf")})
    assert "核对人 核样" in page.text
    holder = {"code_type": "001", "code": register.rows[0]["证件号码"]}
    question = {"holder": holder, "purpose": "核验"}
    held = desk.caller("POST", "/v1/holdings", json=question, headers=desk.bearer).json()["certificates"]
    told = {each["certificate_id"]: each["origin"] for each in held}
    assert told[rows[0]["certificate_id"]]["officer"] == "核样"
    assert told[rows[1]["certificate_id"]]["kind"] == "typeset_anew"
    again = desk.ask(body)
    assert again["import_id"] == asked["import_id"]
    assert desk.work(again["import_id"])["imported"] == 2
    listed = shaped(ImportsOut, desk.caller("GET", "/v1/imports", headers=desk.bearer))
    assert asked["import_id"] in [each["import_id"] for each in listed["imports"]]


def test_files_by_the_digests_of_their_uploads(desk: Desk, tmp_path: Path) -> None:
    register = Register(desk.house)
    register.add(文件=desk.upload(new_pdf(), "application/pdf"), 来源="扫描件")
    register.add(文件="0" * 64, 来源="扫描件")
    body = {
        "manifest": {"sha256": desk.upload(register.jsonl(tmp_path).read_bytes(), CSV), "name": "r.jsonl"},
        "mapping": register.mapping_json(),
    }
    asked = desk.ask(body)
    done = desk.work(asked["import_id"])
    assert (done["imported"], done["rejected"]) == (1, 1)


def test_what_cannot_be_asked_for(desk: Desk, tmp_path: Path) -> None:
    register = Register(desk.house)
    register.add()
    manifest = {"sha256": desk.upload(register.csv(tmp_path).read_bytes(), CSV), "name": "r.csv"}
    mapping = register.mapping_json()
    missing = {"sha256": "0" * 64}
    for body, pointer in (
        ({"manifest": {**missing, "name": "r.csv"}, "mapping": mapping}, "/manifest/sha256"),
        ({"manifest": manifest, "mapping": mapping, "files": missing}, "/files/sha256"),
        ({"manifest": manifest, "mapping": {"columns": {"a": "b"}}}, "/mapping/columns/a"),
    ):
        problem = desk.ask(body, 422)
        assert pointer in [each["pointer"] for each in problem["errors"]], json.dumps(problem)


def test_a_manifest_that_cannot_be_read_says_so_in_the_run(desk: Desk) -> None:
    register = Register(desk.house)
    body = {
        "manifest": {"sha256": desk.upload("甲,乙\n1,2\n".encode(), CSV), "name": "r.csv"},
        "mapping": register.mapping_json(),
    }
    asked = desk.ask(body)
    done = desk.work(asked["import_id"])
    assert done["state"] == "failed"
    assert done["failure"].startswith("The manifest lacks columns that the mapping names:")


def test_nobody_deposits_a_register(desk: Desk) -> None:
    request = example_request(desk.house.catalogue)
    request["results"][0]["document"] = {"sha256": desk.upload(b"a,b\n", CSV)}
    answer = desk.caller("POST", "/v1/deposits", json=request, headers=desk.bearer)
    assert answer.status_code == 422
