"""Files that approval systems hand in: taken from every producer, refused for what they hide."""

import hashlib
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.keys import SignatureAlgorithm
from signing.pades.long_term import append_time_stamp
from storage.embedded import EngineAddresses
from storage.seals import stop_seal
from storage.tables import cases
from storage.upload_keys import put_upload
from tests.conftest import House
from tests.custodians import two_custodians
from tests.files import filed, sealed_bytes
from tests.flows.test_deposit import deposited, rows
from tests.papers import new_pdf
from tests.requests import example_request, kind_named
from tests.signing import attacks
from tests.signing.workshop import new_workshop
from vault.custody import grant_what_is_missing
from vault.errors import DocumentRefused, NotFound
from vault.founding import SecretsFolder, make_development_seal
from vault.model.scope import VAULT
from vault.model.verdict import Genuine
from vault.uploads import keep_upload, uploads_of
from vault.verify import by_file

pytestmark = pytest.mark.engines

SAMPLES = Path(os.environ.get("CERTVAULT_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="NO SAMPLE PDFS: set CERTVAULT_SAMPLES to a folder of handed-in PDFs"
)


def handed_in(house: House, content: bytes) -> dict[str, Any]:
    """A request whose result is this file."""
    digest = hashlib.sha256(content).hexdigest()
    keep_upload(house.wired.workshop, house.client, digest, content)
    request = example_request(house.catalogue)
    request["results"][0]["document"] = {"sha256": digest}
    return request


def pdf_with(change: Callable[[pikepdf.Pdf], None], encryption: pikepdf.Encryption | None = None) -> bytes:
    """A one-page PDF after a change."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    # No two are alike: what one test left in the shared house is not what another one looks for.
    pdf.docinfo["/Title"] = secrets.token_hex(8)
    change(pdf)
    out = BytesIO()
    pdf.save(out, encryption=encryption or False)
    return out.getvalue()


def _action(kind: str) -> Callable[[pikepdf.Pdf], None]:
    def add(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = pikepdf.Dictionary(
            S=pikepdf.Name(f"/{kind}"), JS="app.alert(1)", F="x", URI="x"
        )

    return add


def _attachment(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["a.bin"] = b"payload"


def _nothing(_: pikepdf.Pdf) -> None:
    """Leaves the PDF as it is."""


HOSTILE: dict[str, Callable[[], bytes]] = {
    "encrypted": lambda: pdf_with(_nothing, encryption=pikepdf.Encryption(user="u", owner="o")),
    "JavaScript": lambda: pdf_with(_action("JavaScript")),
    "Launch": lambda: pdf_with(_action("Launch")),
    "SubmitForm": lambda: pdf_with(_action("SubmitForm")),
    "ImportData": lambda: pdf_with(_action("ImportData")),
    "GoToR": lambda: pdf_with(_action("GoToR")),
    "attachment": lambda: pdf_with(_attachment),
    "bytes before": lambda: b"GIF89a" + pdf_with(_nothing),
    "bytes behind": lambda: pdf_with(_nothing) + b"PK\x03\x04",
    "cut off": lambda: pdf_with(_nothing)[:-40],
}


def zip_behind(pdf: bytes) -> bytes:
    """A ZIP behind a PDF whose comment ends as a PDF does: each reader finds its own."""
    comment = b"\n%%EOF\n"
    return pdf + b"PK\x05\x06" + bytes(16) + len(comment).to_bytes(2, "little") + comment


HOSTILE |= {
    "two things at once": lambda: zip_behind(pdf_with(_nothing)),
    "OFD and PDF": lambda: b"PK\x03\x04" + pdf_with(_nothing),
}


def smuggled(house: House, content: bytes) -> str:
    """An upload that did not pass the gate, as one from before there was any; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    keep_upload(house.wired.workshop, house.client, hashlib.sha256(NEW).hexdigest(), NEW)
    key = uploads_of(house.wired.workshop, house.client.client_id).key
    assert key is not None
    put_upload(house.wired.workshop.blobs, key, house.client.client_id, digest, content)
    return digest


NEW = new_pdf()


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_not_even_kept(house: House, what: str) -> None:
    content = HOSTILE[what]()
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(DocumentRefused):
        keep_upload(house.wired.workshop, house.client, digest, content)
    with pytest.raises(NotFound):
        uploads_of(house.wired.workshop, house.client.client_id).read(digest)


@pytest.mark.parametrize("as_what", ["document", "material"])
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_that_are_there_are_refused_and_leave_no_case(
    house: House, what: str, as_what: str
) -> None:
    digest, request = smuggled(house, HOSTILE[what]()), example_request(house.catalogue)
    pointer = "/results/0/document/sha256" if as_what == "document" else "/materials/0/sha256"
    if as_what == "document":
        request["results"][0]["document"] = {"sha256": digest}
    else:
        request["materials"] = [
            {"type": "CL0007", "name": "x", "sha256": digest, "trust": "B", "holders": []}
        ]
        request["materials"][0]["holders"] = request["results"][0]["holders"]
    before = rows(house, cases)
    with pytest.raises(DocumentRefused) as caught:
        deposited(house, request)
    assert [p.pointer for p in caught.value.problems] == [pointer]
    assert rows(house, cases) == before


@needs_samples
@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.pdf")), ids=lambda path: path.stem)
def test_every_producers_file_is_sealed_or_refused_with_a_reason(house: House, sample: Path) -> None:
    content = sample.read_bytes()
    if "refuse" in sample.stem:
        with pytest.raises(DocumentRefused, match="encrypted"):
            handed_in(house, content)
        return
    request = handed_in(house, content)
    (certificate,) = deposited(house, request).certificates
    sealed = sealed_bytes(house, certificate)
    assert sealed.startswith(content)
    assert isinstance(by_file(house.wired.workshop, sealed, at=datetime.now(UTC)).verdict, Genuine)


def test_a_file_that_somebody_signed_and_had_time_stamped_is_sealed(house: House) -> None:
    strangers = new_workshop()
    signed = attacks.signed(IncrementalPdfFileWriter(BytesIO(new_pdf())), strangers, "approval")
    stamped = append_time_stamp(signed, tsa=strangers.tsa, at=datetime.now(UTC))
    (certificate,) = deposited(house, handed_in(house, stamped)).certificates
    sealed = sealed_bytes(house, certificate)
    assert sealed.startswith(stamped)
    assert isinstance(by_file(house.wired.workshop, sealed, at=datetime.now(UTC)).verdict, Genuine)


def test_a_file_that_the_vault_certified_is_not_certified_again(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    sealed = sealed_bytes(house, certificate)
    with pytest.raises(DocumentRefused) as caught:
        deposited(house, handed_in(house, sealed))
    assert "certif" in caught.value.problems[0].detail


@pytest.mark.parametrize(
    "algorithm", [SignatureAlgorithm.RSA_PKCS1_SHA256, SignatureAlgorithm.RSA_PSS_SHA256]
)
def test_the_newest_seal_of_an_authority_seals_with_its_own_algorithm(
    house: House, algorithm: SignatureAlgorithm
) -> None:
    workshop = house.wired.workshop
    kind = kind_named(house.catalogue, "食品经营许可证")
    authority = kind.example["issuing_authority"]
    found = kind.authority(authority)
    assert found is not None
    row = make_development_seal(
        workshop.database,
        SecretsFolder(house.settings.secrets),
        authority=authority,
        authority_name=found.name,
        algorithm=algorithm,
        centre="行政审批专用章",
        at=datetime.now(UTC),
    )
    grant_what_is_missing(workshop, house.client.client_id, two_custodians, at=datetime.now(UTC))
    try:
        (certificate,) = deposited(house, example_request(house.catalogue)).certificates
        assert certificate.documents[0].seal_id == row.seal_id
    finally:
        with workshop.database.writing(VAULT) as db:
            stop_seal(db, row.seal_id, datetime.now(UTC))
    (after,) = deposited(house, example_request(house.catalogue)).certificates
    assert after.documents[0].seal_id != row.seal_id


def test_the_store_refuses_to_delete_or_rewrite_a_sealed_document(
    house: House, engines: EngineAddresses
) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    key = filed(house, certificate).stored_name
    client = Minio(
        engines.s3_endpoint.removeprefix("http://"),
        access_key=engines.s3_access_key,
        secret_key=engines.s3_secret_key,
        secure=False,
        region="us-east-1",
    )
    bucket = "certvault-documents"
    version = client.stat_object(bucket, key).version_id
    with pytest.raises(S3Error):
        client.remove_object(bucket, key, version_id=version)
    errors = list(client.remove_objects(bucket, [DeleteObject(key, version)]))
    assert len(errors) == 1
    house.wired.workshop.blobs.put_document(
        key,
        b"other bytes",
        retain_until=datetime.now(UTC) + timedelta(days=1),
        origin={},
    )
    sha256 = certificate.documents[0].sha256
    assert hashlib.sha256(sealed_bytes(house, certificate)).hexdigest() == sha256
