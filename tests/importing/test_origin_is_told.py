"""Nobody may take a copy for the original: what says where a certificate comes from, beside the verdict."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from signing.offline import OfflineVerdict
from tests.conftest import House
from tests.files import sealed_bytes
from tests.flows.test_offline import judged, qr_of
from tests.flows.test_reuse import LICENCE, PRESALE, Holder, asked, new_company
from tests.flows.test_uses import asked as request_to_use
from tests.flows.test_uses import copy_of, used
from tests.importing.conftest import imported
from tests.importing.test_import import outcomes, record_of
from tests.papers import new_pdf
from tests.registers import Register
from tests.signing.typeset.pages import text_of
from vault.importing import FilesKind, FilesPlace
from vault.model.certificate import CertificateRecord
from vault.model.origin import OriginKind, origin_words
from vault.stating import shown_statement
from vault.verify import by_file

pytestmark = pytest.mark.engines

OFFICER = "核样"
FILES = {
    OriginKind.TYPESET_ANEW: ("", ""),
    OriginKind.SCAN_ATTESTED: ("a.pdf", "扫描件已核对"),
    OriginKind.SCAN_UNVERIFIED: ("b.pdf", "扫描件"),
}


@dataclass(frozen=True)
class Stock:
    """A business licence of each origin that a register can have, each of a company of its own."""

    house: House
    certificates: dict[OriginKind, CertificateRecord]
    companies: dict[OriginKind, Holder]


@pytest.fixture(scope="module")
def stock(archive: House, tmp_path_factory: pytest.TempPathFactory) -> Stock:
    folder = tmp_path_factory.mktemp("stock")
    register = Register(archive, type_name=LICENCE)
    companies = {kind: new_company() for kind in FILES}
    for kind, (name, origin) in FILES.items():
        company = companies[kind]
        cells = {"证件号码": company["code"], "经营者名称": company["name"], "文件": name, "来源": origin}
        if name:
            (folder / name).write_bytes(new_pdf())
            cells |= {"核对人": OFFICER, "核对日期": "2025-06-01"}
        register.add(1, **cells)
    run = imported(register, register.csv(folder), FilesPlace(FilesKind.FOLDER, str(folder)))
    found = outcomes(register, run)
    assert [each.reason for each in found] == [""] * len(FILES)
    return Stock(
        archive,
        {kind: record_of(register, each) for kind, each in zip(FILES, found, strict=True)},
        companies,
    )


@pytest.mark.parametrize("kind", FILES)
def test_the_qr_states_it(stock: Stock, kind: OriginKind) -> None:
    certificate = stock.certificates[kind]
    assert certificate.origin.kind is kind
    sealed = sealed_bytes(stock.house, certificate)
    report = judged(stock.house, qr_of(sealed), document=sealed)
    assert report.verdict is OfflineVerdict.GENUINE, report.checks
    assert report.statement is not None
    assert report.statement.origin is kind
    assert "origin" in [check.name for check in report.checks]


@pytest.mark.parametrize("kind", FILES)
def test_what_a_holder_shows_states_it(stock: Stock, kind: OriginKind) -> None:
    names = {"type_name": "", "authority_name": ""}
    shown = shown_statement(stock.certificates[kind], **names, holder_shown=False, at=datetime.now(UTC))
    assert shown.origin is kind


@pytest.mark.parametrize("kind", FILES)
def test_a_reuse_check_tells_it(stock: Stock, kind: OriginKind) -> None:
    line = asked(stock.house, PRESALE, stock.companies[kind])["licence"]
    assert line["state"] == "held"
    (proof,) = line["satisfied_by"]
    zh, en = origin_words(kind)
    assert (proof["origin"]["kind"], proof["origin"]["words"], proof["origin"]["words_en"]) == (kind, zh, en)
    assert proof["origin"]["officer"] == (OFFICER if kind is OriginKind.SCAN_ATTESTED else None)
    assert (proof["origin"]["authority"] is None) is (kind is OriginKind.TYPESET_ANEW)
    assert line["why"].endswith(f"is in force. {en}")


@pytest.mark.parametrize("kind", FILES)
def test_a_usage_copy_says_it_and_so_does_its_verdict(stock: Stock, kind: OriginKind) -> None:
    copied = copy_of(stock.house, used(stock.house, request_to_use(stock.certificates[kind])))
    assert origin_words(kind)[0] in "".join(text_of(copied).split())
    verified = by_file(stock.house.wired.workshop, copied, at=datetime.now(UTC))
    checks = {check.name: check.result.value for check in verified.checks}
    assert checks["origin"] == ("unknown" if kind is OriginKind.SCAN_UNVERIFIED else "passed")
