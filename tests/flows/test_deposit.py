"""What a deposit keeps, answers and refuses."""

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast
from uuid import UUID

import pikepdf
import pytest
from sqlalchemy import Table, func, select

from storage.tables import cases, holders, reservations
from tests.conftest import House
from tests.files import bytes_of_case, sealed_bytes, uploaded_bytes
from tests.requests import example_request, kind_named
from vault.deposit import Deposited, hand_in, receipt_json
from vault.errors import Conflict, DocumentRefused, InputError, NotFound
from vault.model.actors import ClientGrant
from vault.model.certificate import SealLevel, Status
from vault.model.identifier import CertificateIdentifier
from vault.model.scope import VAULT
from vault.shelf import CatalogueShelf
from vault.uploads import keep_upload

pytestmark = pytest.mark.engines

ESTATE = "不动产权证书"


def deposited(house: House, request: dict[str, Any]) -> Deposited:
    return hand_in(house.wired.workshop, house.client, request, at=datetime.now(UTC))


def uploaded_pdf(house: House, text: str, client: ClientGrant | None = None) -> str:
    """A small PDF that the suite's client, or another one, has handed in; its digest."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    page.Contents = pdf.make_stream(f"% {text}\n0 0 m 100 100 l S".encode())
    out = BytesIO()
    pdf.save(out)
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    keep_upload(house.wired.workshop, client or house.client, digest, out.getvalue())
    return digest


def case_of(house: House, answered: Deposited) -> UUID:
    """The id of a deposited case."""
    query = select(cases.c.id).where(cases.c.number == answered.case_number)
    with house.wired.workshop.database.reading(VAULT) as db:
        return cast("UUID", db.execute(query).scalar_one())


def rows(house: House, table: Table) -> int:
    with house.wired.workshop.database.reading(VAULT) as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())


def test_every_kind_of_the_catalogue_can_be_deposited(house: House) -> None:
    for kind in house.catalogue.types.values():
        answered = deposited(house, example_request(house.catalogue, kind.name))
        (certificate,) = answered.certificates
        assert certificate.type_code == kind.code
        assert certificate.status is Status.VALID
        assert certificate.fields == kind.example["fields"]
        assert [d.level for d in certificate.documents] == [SealLevel.B_T]
        assert CertificateIdentifier.parse(certificate.identifier).version == 1


def test_a_case_with_several_results_and_a_material_is_one_answer(house: House) -> None:
    request = example_request(house.catalogue, ESTATE, "食品经营许可证")
    digest = uploaded_pdf(house, "material")
    request["materials"] = [
        {
            "type": "CL9999",
            "name": "营业执照副本",
            "sha256": digest,
            "trust": "B",
            "holders": request["results"][0]["holders"],
            "valid_to": None,
        }
    ]
    answered = deposited(house, request)
    assert [c.type_code for c in answered.certificates] == [r["type"] for r in request["results"]]
    assert bytes_of_case(house, case_of(house, answered), digest).startswith(b"%PDF-")


def test_the_same_case_again_is_answered_with_the_same_receipts(house: House) -> None:
    request = example_request(house.catalogue)
    first = deposited(house, request)
    again = deposited(house, copy.deepcopy(request))
    assert (first.repeated, again.repeated) == (False, True)
    assert [receipt_json(c, "http://v") for c in first.certificates] == [
        receipt_json(c, "http://v") for c in again.certificates
    ]


def test_a_retry_is_answered_whatever_became_of_catalogue_grant_and_files(house: House) -> None:
    """Nothing that is in force today has a say in what was deposited then."""
    request = example_request(house.catalogue)
    (result,) = request["results"]
    result["document"] = {"sha256": uploaded_pdf(house, "gone after the deposit")}
    del result["formats"]
    first = deposited(house, request)
    workshop, at = house.wired.workshop, datetime.now(UTC)
    shelf = CatalogueShelf(workshop.database, _read_at=at)  # a catalogue without types, items and materials
    nobody = ClientGrant(house.client.client_id, "no authority any more", frozenset())
    workshop.blobs.remove_upload(result["document"]["sha256"])
    changed = replace(workshop, shelf=shelf)
    again = hand_in(changed, nobody, copy.deepcopy(request), listed_items_only=True, at=at)
    assert (again.repeated, again.certificates) == (True, first.certificates)
    result["number"] += "-X"
    with pytest.raises(Conflict) as caught:
        hand_in(changed, nobody, request, at=at)
    assert [p.pointer for p in caught.value.problems] == ["/results/0/number"]


def test_the_same_case_with_other_contents_says_what_differs(house: House) -> None:
    request = example_request(house.catalogue)
    deposited(house, request)
    changed = copy.deepcopy(request)
    changed["results"][0]["number"] += "-X"
    with pytest.raises(Conflict) as caught:
        deposited(house, changed)
    assert [p.pointer for p in caught.value.problems] == ["/results/0/number"]


def test_a_handed_in_pdf_is_sealed_and_starts_with_its_own_bytes(house: House) -> None:
    digest = uploaded_pdf(house, "approval")
    request = example_request(house.catalogue)
    request["results"][0]["document"] = {"sha256": digest}
    (certificate,) = deposited(house, request).certificates
    assert sealed_bytes(house, certificate).startswith(uploaded_bytes(house, digest))


def test_a_renewal_takes_the_next_version_and_the_old_one_out_of_force(house: House) -> None:
    (old,) = deposited(house, example_request(house.catalogue)).certificates
    renewal = example_request(house.catalogue)
    renewal["results"][0]["supersedes"] = str(old.certificate_id)
    (new,) = deposited(house, renewal).certificates
    was, now = CertificateIdentifier.parse(old.identifier), CertificateIdentifier.parse(new.identifier)
    assert (now.serial, now.version) == (was.serial, was.version + 1)
    assert new.supersedes == old.certificate_id
    third = example_request(house.catalogue)
    third["results"][0]["supersedes"] = str(old.certificate_id)
    with pytest.raises(Conflict):
        deposited(house, third)


def _set(**changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda result: result.update(changes)


def _spoil_check_digit(result: dict[str, Any]) -> None:
    holder = {**result["holders"][0], "code_type": "001", "code": "91350100M000100Y44"}
    result["holders"] = [holder]


def _add_field(result: dict[str, Any]) -> None:
    result["fields"] = {**result["fields"], "favourite_colour": "红"}


BAD_RESULTS = {
    "check digit": (_spoil_check_digit, "/holders/0/code"),
    "unknown type": (_set(type="11100000MB0000000P999"), "/type"),
    "unknown field": (_add_field, "/fields/favourite_colour"),
    "no holders": (_set(holders=[]), "/holders"),
    "dates reversed": (_set(valid_from="2026-10-26", valid_to="2026-10-25"), "/valid_to"),
    "no such upload": (_set(document={"sha256": "0" * 64}), "/document/sha256"),
    "digest form": (_set(document={"sha256": "xyz"}), "/document/sha256"),
    "not a date": (_set(issued_on="2026-02-30"), "/issued_on"),
    "in the future": (_set(issued_on="2999-01-01"), "/issued_on"),
    "strange authority": (_set(issuing_authority="91350100M000100Y43"), "/issuing_authority"),
    "unknown format": (_set(formats=["docx"]), "/formats"),
    "not an RFC 3339 date": (_set(valid_from=""), "/valid_from"),
    "no predecessor": (_set(supersedes="00000000-0000-7000-8000-000000000000"), "/supersedes"),
}


@pytest.mark.parametrize("what", BAD_RESULTS)
def test_a_bad_request_is_named_at_its_pointer_and_leaves_nothing(house: House, what: str) -> None:
    spoil, pointer = BAD_RESULTS[what]
    before = [rows(house, table) for table in (cases, reservations, holders)]
    objects = sum(1 for _ in house.wired.workshop.blobs.documents())
    request = example_request(house.catalogue)
    spoil(request["results"][0])
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert f"/results/0{pointer}" in [p.pointer for p in caught.value.problems]
    assert [rows(house, table) for table in (cases, reservations, holders)] == before
    assert sum(1 for _ in house.wired.workshop.blobs.documents()) == objects


def test_every_problem_is_told_at_once(house: House) -> None:
    request = example_request(house.catalogue, "食品经营许可证", ESTATE)
    request["results"][0]["issued_on"] = "yesterday"
    request["results"][1]["holders"] = []
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert {"/results/0/issued_on", "/results/1/holders"} <= {p.pointer for p in caught.value.problems}


def test_a_character_that_no_font_has_is_refused_and_leaves_nothing(house: House) -> None:
    before = rows(house, cases), rows(house, reservations)
    request = example_request(house.catalogue)
    request["results"][0]["holders"][0]["name"] = "\U0001f600公司"
    with pytest.raises(InputError):
        deposited(house, request)
    assert (rows(house, cases), rows(house, reservations)) == before


def test_the_mended_request_after_a_refusal_is_taken(house: House) -> None:
    request = example_request(house.catalogue)
    bad = copy.deepcopy(request)
    _add_field(bad["results"][0])
    with pytest.raises(InputError):
        deposited(house, bad)
    assert deposited(house, request).repeated is False


@pytest.mark.parametrize("content", [b"%PDF-1.7\nnot really", b"%PDF-1.7\n" + b"x" * 40 + b"\n%%EOF\n"])
def test_a_broken_pdf_is_not_kept(house: House, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(DocumentRefused):
        keep_upload(house.wired.workshop, house.client, digest, content)
    with pytest.raises(NotFound):
        uploaded_bytes(house, digest)


@pytest.mark.parametrize("content", [b"GIF89a", b"", b"<html>"])
def test_what_is_neither_pdf_nor_ofd_is_not_kept(house: House, content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        keep_upload(house.wired.workshop, house.client, hashlib.sha256(content).hexdigest(), content)


def test_an_upload_under_a_wrong_digest_is_not_kept(house: House) -> None:
    with pytest.raises(InputError, match="digest"):
        keep_upload(house.wired.workshop, house.client, "0" * 64, b"%PDF-1.4\n%%EOF")
    with pytest.raises(NotFound):
        uploaded_bytes(house, "0" * 64)


def test_examples_are_whole_results(house: House) -> None:
    kind = kind_named(house.catalogue, ESTATE)
    assert len(kind.example["holders"]) > 1


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-W01-1T00:00+00:00", "2026-10-26", ""],
)
def test_an_odd_time_is_refused_at_its_place(house: House, moment: str) -> None:
    request = example_request(house.catalogue)
    request["case"]["completed_at"] = moment
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert [p.pointer for p in caught.value.problems] == ["/case/completed_at"]


def test_one_person_under_two_code_types_is_one_holder(house: House) -> None:
    request = example_request(house.catalogue, "结婚证")
    code = "810000199408230021"
    request["results"][0]["holders"] = [
        {"code_type": "111", "code": code, "name": "陈样例"},
        {"code_type": "551", "code": code, "name": "陈样例"},
    ]
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert "/results/0/holders/1/code" in [p.pointer for p in caught.value.problems]


def test_a_material_with_a_holder_twice_is_refused(house: House) -> None:
    request = example_request(house.catalogue)
    holder = request["results"][0]["holders"][0]
    request["materials"] = [
        {
            "type": "CL9999",
            "name": "材料",
            "sha256": uploaded_pdf(house, "twice"),
            "trust": "C",
            "holders": [holder, holder],
            "valid_to": None,
        }
    ]
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert [p.pointer for p in caught.value.problems] == ["/materials/0/holders"]


def test_two_results_cannot_supersede_one_certificate(house: House) -> None:
    (old,) = deposited(house, example_request(house.catalogue)).certificates
    request = example_request(house.catalogue, "食品经营许可证", "食品经营许可证")
    for result in request["results"]:
        result["supersedes"] = str(old.certificate_id)
    with pytest.raises(InputError) as caught:
        deposited(house, request)
    assert [p.pointer for p in caught.value.problems] == ["/results/1/supersedes"]
