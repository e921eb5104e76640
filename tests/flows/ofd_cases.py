"""Cases whose results are made as OFD, and their files."""

from typing import Any

from storage.filed_objects import document_object
from storage.objects import read_object
from tests.conftest import House
from tests.requests import example_request
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT

LICENCE, CARD, ESTATE = "营业执照", "特种作业操作证", "不动产权证书"
PDF, OFD = DocumentFormat.PDF, DocumentFormat.OFD


def request_as(house: House, *formats: str, names: tuple[str, ...] = (LICENCE,)) -> dict[str, Any]:
    """A case whose results are made as these formats."""
    request = example_request(house.catalogue, *names)
    for result in request["results"]:
        result["formats"] = list(formats)
    return request


def file_of(house: House, certificate: CertificateRecord, wanted: DocumentFormat) -> bytes:
    """A certificate's file in a format, as it was sealed."""
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        found = document_object(db, workshop.keys, certificate.certificate_id, wanted)
    assert found is not None
    return read_object(workshop.blobs, found)
