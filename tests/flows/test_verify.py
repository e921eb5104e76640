"""What verification says of certificates in force, out of force, altered and unknown."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.wiring import reader_of
from storage import public_read
from storage.envelope import open_json
from storage.public_read import PublicReader
from storage.record_keys import opened_key
from tests.conftest import House
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from tests.trials import now
from vault.model.certificate import CertificateRecord
from vault.model.verdict import Altered, Genuine, NotInForce, Unrecognised, Verification
from vault.verify import by_code, by_file, by_token, records, report_json

pytestmark = pytest.mark.engines

NOBODY = UUID(int=0)


@pytest.fixture(scope="module")
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def asked(house: House, question: Callable[[PublicReader], Awaitable[Verification]]) -> Verification:
    async def ask() -> Verification:
        reader = reader_of(house.settings, house.wired.workshop.keys)
        await reader.open()
        try:
            return await question(reader)
        finally:
            await reader.close()

    return asyncio.run(ask())


def test_number_and_code_together_are_genuine(house: House, certificate: CertificateRecord) -> None:
    code = certificate.verification_code
    typed = f" {code[:5].lower()}-{code[5:]} "
    report = asked(house, lambda reader: by_code(reader, certificate.number.lower(), typed, at=now()))
    assert isinstance(report.verdict, Genuine)
    shown = report_json(report)["certificate"]
    assert shown["identifier"] == certificate.identifier
    assert shown["type_name"] == "食品经营许可证"


@pytest.mark.parametrize("wrong", ["number", "code"])
def test_either_alone_is_unrecognised(house: House, certificate: CertificateRecord, wrong: str) -> None:
    number = "X" if wrong == "number" else certificate.number
    code = "2222222222" if wrong == "code" else certificate.verification_code
    report = asked(house, lambda reader: by_code(reader, number, code, at=now()))
    assert isinstance(report.verdict, Unrecognised)


def test_the_token_is_genuine_and_names_are_masked(house: House) -> None:
    request = example_request(house.catalogue, "结婚证")
    (certificate,) = deposited(house, request).certificates
    report = report_json(asked(house, lambda reader: by_token(reader, certificate.token, at=now())))
    assert report["verdict"] == "genuine"
    text = str(report)
    for holder in certificate.holders:
        assert holder.name not in text
        assert holder.code.value not in text


@pytest.mark.parametrize("token", ["", "AAAAAAAAAAAAAAAAAAAAAA", "x" * 10_000, "\x00"])
def test_strange_tokens_are_unrecognised(house: House, token: str) -> None:
    report = asked(house, lambda reader: by_token(reader, token, at=now()))
    assert isinstance(report.verdict, Unrecognised)


def test_our_very_bytes_are_genuine(house: House, certificate: CertificateRecord) -> None:
    content = sealed_bytes(house, certificate)
    report = by_file(house.wired.workshop, content, at=now())
    assert isinstance(report.verdict, Genuine)


def test_a_flipped_byte_is_altered(house: House, certificate: CertificateRecord) -> None:
    content = bytearray(sealed_bytes(house, certificate))
    content[len(content) // 3] ^= 1
    report = by_file(house.wired.workshop, bytes(content), at=now())
    assert isinstance(report.verdict, Altered)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7\n%%EOF\n", b"PK\x03\x04" + b"\x00" * 100])
def test_what_bears_no_seal_is_unrecognised(house: House, content: bytes) -> None:
    assert isinstance(by_file(house.wired.workshop, content, at=now()).verdict, Unrecognised)


def test_a_superseded_certificate_is_not_in_force(house: House) -> None:
    (old,) = deposited(house, example_request(house.catalogue)).certificates
    renewal = example_request(house.catalogue)
    renewal["results"][0]["supersedes"] = str(old.certificate_id)
    deposited(house, renewal)
    content = sealed_bytes(house, old)
    verdict = by_file(house.wired.workshop, content, at=now()).verdict
    assert isinstance(verdict, NotInForce)
    assert verdict.reason == "superseded"


@pytest.mark.parametrize(("days", "in_force"), [(-1, True), (0, True), (1, False)])
def test_the_last_day_of_validity_counts_whole(
    house: House, certificate: CertificateRecord, days: int, *, in_force: bool
) -> None:
    assert certificate.valid_to is not None
    noon_in_china = datetime(
        certificate.valid_to.year, certificate.valid_to.month, certificate.valid_to.day, 4, tzinfo=UTC
    )
    at = noon_in_china + timedelta(days=days)
    report = asked(house, lambda r: by_code(r, certificate.number, certificate.verification_code, at=at))
    assert isinstance(report.verdict, Genuine) is in_force


@pytest.mark.parametrize("by", ["number_and_code", "token"])
def test_a_miss_does_the_work_of_a_hit_and_opens_nobodys_envelope(
    house: House, certificate: CertificateRecord, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Statements, envelopes and reports are counted, not timed: the bench does that."""
    work: list[str] = []
    opened: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            work.append(name)
            if name == "open":
                opened.append(arguments[-1])
            return function(*arguments, **named)

        return count

    monkeypatch.setattr(public_read, "opened_key", counted("key", opened_key))
    monkeypatch.setattr(public_read, "open_json", counted("open", open_json))
    monkeypatch.setattr(PublicReader, "_one", counted("ask", PublicReader._one))  # noqa: SLF001 - counted here
    monkeypatch.setattr("vault.verify.records.report_json", counted("report", report_json))
    monkeypatch.setattr("vault.verify.records.masked", counted("mask", records.masked))

    def question(number: str, code: str, token: str) -> list[str]:
        async def ask(reader: PublicReader) -> Verification:
            found = None
            for _ in range(2):  # the second time definitions are known, as they are in a running server
                work.clear()
                opened.clear()
                if by == "token":
                    found = await by_token(reader, token, at=now())
                else:
                    found = await by_code(reader, number, code, at=now())
            assert found is not None
            return found

        asked(house, ask)
        return list(work)

    hit = question(certificate.number, certificate.verification_code, certificate.token)
    assert opened == [f"certificates.sealed:{certificate.certificate_id}"]
    wrong_code = question(certificate.number, "2222222222", "A" * 22)
    assert opened == [f"certificates.sealed:{NOBODY}"]
    nothing = question("样许字〔1900〕0号", "2222222222", "B" * 22)
    assert opened == [f"certificates.sealed:{NOBODY}"]
    assert hit == wrong_code == nothing == ["ask", "key", "open", "mask", "report"]


def test_a_decoys_envelope_is_about_as_large_as_the_one_in_its_place(house: House) -> None:
    reader = reader_of(house.settings, house.wired.workshop.keys)
    for size in (300, 1_000, 3_000, 20_000):
        sealed = reader._decoy(size).sealed  # noqa: SLF001 - the work that it makes is what this is about
        assert size * 0.75 - 200 < len(sealed) < size * 1.25 + 200
    assert reader._decoy(1_000) is reader._decoy(1_010)  # noqa: SLF001 - made once


def test_an_empty_vault_answers_as_one_that_knows_nothing_of_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PublicReader, "_one", _nothing)

    async def ask(reader: PublicReader) -> Verification:
        return await by_token(reader, "A" * 22, at=now())

    assert isinstance(asked(house, ask).verdict, Unrecognised)


async def _nothing(*_: object) -> None:
    return None
