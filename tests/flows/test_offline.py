"""A deposit's QR, checked with no network: read from the sealed page, against the vault's trust list."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pikepdf
import pytest

from signing.offline import OfflineReport, OfflineVerdict, judge_offline
from signing.trust_list import read_trust_list
from signing.typeset import SEAL_PLACES
from tests.conftest import House
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_handed_in import handed_in, pdf_with
from tests.requests import example_request
from tests.signing.typeset.pages import opened, scanned, text_of
from vault.catalogue import shipped_catalogue
from vault.deposit import hand_in
from vault.errors import InputError
from vault.model.certificate import CertificateRecord
from vault.model.holders import mask_name
from vault.statement_ring import StatementRing
from vault.stating import trust_list, verify_url

pytestmark = pytest.mark.engines

# A holder's number, or any other of fifteen digits and more.
LONG_NUMBER = re.compile(r"\d{15}")


def qr_of(sealed: bytes) -> str:
    """The one QR code of a sealed file, from its pages at 150 dpi."""
    with opened(sealed) as pdf:
        count = len(pdf)
    (text,) = [text for index in range(count) for text in scanned(sealed, index)]
    return text


def judged(house: House, text: str, **more: bytes) -> OfflineReport:
    workshop, at = house.wired.workshop, datetime.now(UTC)
    listed = read_trust_list(trust_list(workshop, at=at), log_key=workshop.log_key.public)
    return judge_offline(text, listed, at=at, **more)


def _of_each_template() -> list[str]:
    types = shipped_catalogue(SEAL_PLACES).types.values()
    return list({kind.template: kind.name for kind in types}.values())


@pytest.mark.parametrize("name", _of_each_template())
def test_a_typeset_certificate_states_itself(house: House, name: str) -> None:
    request = example_request(house.catalogue, name)
    (certificate,) = deposited(house, request).certificates
    sealed = sealed_bytes(house, certificate)
    text = qr_of(sealed)
    assert text.startswith(verify_url(house.settings.origin, certificate.token) + "&s=")
    report = judged(house, text, document=sealed)
    assert report.verdict is OfflineVerdict.GENUINE, report.checks
    _states(report, certificate, house)


def _states(report: OfflineReport, certificate: CertificateRecord, house: House) -> None:
    stated, kind = report.statement, house.catalogue.types[certificate.type_code]
    authority = kind.authority(certificate.issuing_authority)
    assert stated is not None
    assert authority is not None
    assert (stated.identifier, stated.type_name) == (certificate.identifier, kind.name)
    assert stated.authority_name == authority.name
    assert stated.holder == mask_name(certificate.holders[0].name, certificate.holders[0].code.kind)
    assert stated.holders == len(certificate.holders)
    assert (stated.issued_on, stated.valid_from, stated.valid_to) == (
        certificate.issued_on,
        certificate.valid_from,
        certificate.valid_to,
    )
    assert not LONG_NUMBER.search(repr(stated.holder))


def _two_pages(pdf: pikepdf.Pdf) -> None:
    pdf.add_blank_page()


def test_a_handed_in_file_states_itself(house: House) -> None:
    request = handed_in(house, pdf_with(lambda _: None))
    (certificate,) = deposited(house, request).certificates
    sealed = sealed_bytes(house, certificate)
    report = judged(house, qr_of(sealed), document=sealed)
    assert report.verdict is OfflineVerdict.GENUINE, report.checks
    other = deposited(house, handed_in(house, pdf_with(_two_pages))).certificates[0]
    wrong = judged(house, qr_of(sealed), document=sealed_bytes(house, other))
    assert wrong.verdict is OfflineVerdict.NOT_GENUINE


def test_the_page_says_the_same_in_words(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    sealed = sealed_bytes(house, certificate)
    assert certificate.identifier in text_of(sealed)
    assert certificate.verification_code in text_of(sealed)


def test_a_vault_without_a_key_prints_the_address_alone(house: House) -> None:
    none = StatementRing(house.settings.secrets / "no-such-folder", b"")
    workshop = replace(house.wired.workshop, statements=none)
    request = example_request(house.catalogue)
    (certificate,) = hand_in(workshop, house.client, request, at=datetime.now(UTC)).certificates
    assert qr_of(sealed_bytes(house, certificate)) == verify_url(house.settings.origin, certificate.token)


def test_the_list_says_from_when_and_whose(house: House) -> None:
    at = datetime.now(UTC)
    listed = read_trust_list(trust_list(house.wired.workshop, at=at))
    assert listed.vault == house.settings.origin
    assert listed.made_at == at.replace(microsecond=0)
    (key,) = listed.keys
    assert key.signs_from <= at
    assert key.signs_until is None


def test_a_statement_of_before_the_vaults_key_is_none(house: House) -> None:
    """A clock that goes back, or a case deposited in the past by a test: the address alone is printed."""
    (first,) = house.wired.workshop.statements.listed(datetime.now(UTC))
    before = first.signs_from - timedelta(seconds=1)
    assert house.wired.workshop.statements.signing(before) is None


def test_a_text_that_is_none_is_told(house: House) -> None:
    report = judged(house, "https://vault.example/")
    assert report.verdict is OfflineVerdict.NOT_GENUINE
    with pytest.raises(InputError):
        read_trust_list(b"nothing")
