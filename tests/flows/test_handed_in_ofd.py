"""OFD files that approval systems hand in: sealed as they are, or refused with a reason."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from signing.ofd import OfdPlace, close_ofd, seal_ofd
from signing.ofd_judge import admit_ofd, judge_ofd
from storage.seals import NATIONAL, NATIONAL_CLOSING, platform_seal_in_use, seals_in_use
from storage.tables import cases
from tests.conftest import House
from tests.flows.ofd_cases import OFD, file_of, request_as
from tests.flows.test_deposit import deposited, rows, uploaded_pdf
from tests.signing.ofd_judge.making import packed, plain
from tests.trials import now
from tests.vectors.ofd_making import OFD_FILES
from vault.deposit.making import make_page
from vault.deposit.reading import read_case
from vault.deposit.reserving import ReservedCase, reserve
from vault.deposit.sealing import seal
from vault.deposit.taking import take_handed_in
from vault.errors import DocumentRefused, InputError, IntegrityError, NotFound, VaultError
from vault.model.certificate import SealLevel
from vault.model.scope import VAULT
from vault.model.verdict import Altered, Genuine, Indication
from vault.uploads import keep_upload, uploads_of
from vault.verify import by_file

pytestmark = pytest.mark.engines


def uploaded(house: House, content: bytes) -> str:
    """An OFD that the suite's client has handed in; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    keep_upload(house.wired.workshop, house.client, digest, content)
    return digest


def with_document(house: House, content: bytes, *formats: str) -> dict[str, Any]:
    """A case whose result is this file."""
    request = request_as(house, *(formats or ("ofd",)))
    request["results"][0]["document"] = {"sha256": uploaded(house, content)}
    return request


def unsealed() -> dict[str, bytes]:
    """The files of an OFD of another program, which names no list of signatures."""
    files = plain()
    listed = b"<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>"
    return {**files, "OFD.xml": files["OFD.xml"].replace(listed, b"")}


def ofd() -> bytes:
    """An OFD of another program, unsealed."""
    return packed(unsealed())


def sealed_before(house: House) -> bytes:
    """An OFD that bears a national seal already and admits another."""
    workshop, at = house.wired.workshop, now()
    authority = request_as(house, "ofd")["results"][0]["issuing_authority"]
    with workshop.database.reading(VAULT) as db:
        seal_id = seals_in_use(db, frozenset({authority}), at, NATIONAL)[authority]
        owner = workshop.seals.opened(db, seal_id)
    assert owner.national is not None
    place = OfdPlace(1, 60.0, 60.0, 42.0, 42.0)
    return seal_ofd(ofd(), seal=owner.national, place=place, key=owner.key, closing_key=None, at=at)


def closed(house: House) -> bytes:
    """An OFD that somebody has closed."""
    workshop, at = house.wired.workshop, now()
    with workshop.database.reading(VAULT) as db:
        seal_id = platform_seal_in_use(db, at, NATIONAL_CLOSING)
        assert seal_id is not None
        owner = workshop.seals.opened(db, seal_id)
    return close_ofd(ofd(), key=owner.key, at=at)


def test_an_ofd_is_sealed_closed_and_genuine(house: House) -> None:
    content = ofd()
    (made,) = deposited(house, with_document(house, content)).certificates
    assert [(each.format, each.level) for each in made.documents] == [(OFD, SealLevel.SES_V4)]
    sealed = file_of(house, made, OFD)
    assert admit_ofd(sealed).closed
    reports = judge_ofd(sealed, trust=house.wired.workshop.trust, at=now())
    assert [report.indication for report in reports] == [Indication.TOTAL_PASSED] * 2
    assert isinstance(by_file(house.wired.workshop, sealed, at=now()).verdict, Genuine)
    found = by_file(house.wired.workshop, sealed + b"\0", at=now())
    assert isinstance(found.verdict, Altered)


def test_one_that_bears_a_seal_gets_ours_behind_it(house: House) -> None:
    (made,) = deposited(house, with_document(house, sealed_before(house))).certificates
    reports = judge_ofd(file_of(house, made, OFD), trust=house.wired.workshop.trust, at=now())
    assert [report.indication for report in reports] == [Indication.TOTAL_PASSED] * 3


def _made_by_us(house: House) -> bytes:
    (made,) = deposited(house, request_as(house, "ofd")).certificates
    return file_of(house, made, OFD)


def refused_at_its_place(house: House, content: bytes, words: str) -> None:
    """Nothing of the case is kept."""
    request = with_document(house, content)
    before = rows(house, cases)
    with pytest.raises(DocumentRefused) as refused:
        deposited(house, request)
    (problem,) = refused.value.problems
    assert problem.pointer == "/results/0/document/sha256"
    assert words in problem.detail
    assert rows(house, cases) == before


@pytest.mark.parametrize("make", [closed, _made_by_us])
def test_a_closed_one_is_refused_at_its_place(house: House, make: Callable[[House], bytes]) -> None:
    refused_at_its_place(house, make(house), "closed")


@pytest.mark.parametrize(
    "vector",
    [
        "sm2-value-broken",
        "signedvalue-of-another-document",
        "seal-esl-is-another-seal",
        "picture-swapped-in-the-seal",
    ],
)
def test_one_whose_seal_is_broken_already_is_refused_at_its_place(house: House, vector: str) -> None:
    refused_at_its_place(house, (OFD_FILES / f"{vector}.ofd").read_bytes(), "broken signature")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 no package",
        packed({"OFD.xml": b"<ofd/>"}),
        packed({**unsealed(), "OFD.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + unsealed()["OFD.xml"]}),
        ofd() + b"%PDF-1.7",
    ],
)
def test_a_broken_one_is_not_even_kept(house: House, content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        uploaded(house, content)
    with pytest.raises(NotFound):
        uploads_of(house.wired.workshop, house.client.client_id).read(hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("formats", [("pdf", "ofd"), ("pdf",), ()])
def test_an_ofd_is_made_into_nothing_else(house: House, formats: tuple[str, ...]) -> None:
    request = with_document(house, ofd(), "ofd")
    if formats:
        request["results"][0]["formats"] = list(formats)
    else:
        del request["results"][0]["formats"]
    before = rows(house, cases)
    with pytest.raises(InputError) as refused:
        deposited(house, request)
    (problem,) = refused.value.problems
    assert problem.pointer == "/results/0/formats"
    assert '["ofd"]' in problem.detail
    assert rows(house, cases) == before


@pytest.mark.parametrize("formats", [("pdf", "ofd"), ("ofd",)])
def test_a_pdf_is_made_into_no_ofd(house: House, formats: tuple[str, ...]) -> None:
    request = request_as(house, *formats)
    request["results"][0]["document"] = {"sha256": uploaded_pdf(house, "as it is")}
    with pytest.raises(InputError) as refused:
        deposited(house, request)
    (problem,) = refused.value.problems
    assert (problem.pointer, '["pdf"]' in problem.detail) == ("/results/0/formats", True)


def test_an_ofd_may_be_a_material_and_a_result_of_one_case(house: House) -> None:
    content = closed(house)
    request = with_document(house, ofd())
    request["materials"] = [
        {
            "type": "CL9999",
            "name": "材料",
            "sha256": uploaded(house, content),
            "trust": "B",
            "holders": request["results"][0]["holders"],
            "valid_to": None,
        }
    ]
    answered = deposited(house, request)
    assert answered.certificates[0].documents[0].format is OFD


def test_a_page_too_small_for_the_seal_is_refused_and_leaves_nothing(house: House) -> None:
    small = {name: body.replace(b"0 0 210 297", b"0 0 30 20") for name, body in unsealed().items()}
    request = with_document(house, packed(small))
    before = rows(house, cases)
    with pytest.raises(InputError) as refused:
        deposited(house, request)
    assert refused.value.problems[0].pointer.startswith("/results/0/document")
    assert rows(house, cases) == before


@pytest.mark.parametrize("expected", [IntegrityError, InputError])
def test_a_seal_off_the_page_is_the_senders_fault_only_where_the_page_is(
    house: House, expected: type[VaultError]
) -> None:
    workshop, at = house.wired.workshop, now()
    request = request_as(house, "ofd") if expected is IntegrityError else with_document(house, ofd())
    case = read_case(workshop.shelf.in_force(at), house.client, request, at=at)
    handed_in = take_handed_in(workshop, case, at=at)
    reserved = reserve(workshop, case, at=at)
    assert isinstance(reserved, ReservedCase)
    (page,) = make_page(workshop, case, reserved, handed_in, at=at)
    (file,) = page.files
    moved = replace(page, files=(replace(file, seal_place=replace(file.seal_place, x_mm=-42.0)),))
    with pytest.raises(expected, match="does not lie on a page") as failed:
        seal(workshop, reserved, (moved,), at=at)
    if isinstance(failed.value, InputError):
        assert failed.value.problems[0].pointer == "/results/0/document"
