"""Certificates as OFD: made beside the PDF of the same deposit, in one commit, or not at all."""

import pytest

from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from vault.model.certificate import SealLevel

pytestmark = pytest.mark.engines

LICENCE = "营业执照"


def test_both_formats_are_made(house: House) -> None:
    request = example_request(house.catalogue, LICENCE)
    request["results"][0]["formats"] = ["ofd", "pdf"]
    (certificate,) = deposited(house, request).certificates
    assert [(d.format, d.level) for d in certificate.documents] == [("pdf", SealLevel.B_T), ("ofd", SealLevel.SES_V4)]
