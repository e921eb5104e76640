"""Files that came with a seal: only the issuer's own counts, and each is one certificate's."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing.appearance import SealAppearance
from signing.keys import SealingKey, SignatureAlgorithm, load_file_key
from signing.seal import seal_pdf
from signing.trust import IssuedKey, issue_seal_certificate
from storage.seals import ATTESTATION, seals_in_use
from tests.files import sealed_bytes
from tests.importing.conftest import here, imported, order_of
from tests.importing.test_import import outcomes, record_of
from tests.papers import new_pdf
from tests.registers import Register
from vault.founding import SecretsFolder
from vault.importing import FilesKind, FilesPlace, run_import
from vault.model.imports import ImportMode, RowOutcome, RowState
from vault.model.scope import NOBODY

pytestmark = pytest.mark.engines

CODE = "91350100M000100Y43"


def authority_of(register: Register) -> str:
    code = register.mapping_json()["constants"]["issuing_authority"]
    assert isinstance(code, str)
    return code


def name_of(register: Register) -> str:
    found = register.house.catalogue.city.authorities
    return next(each.name for each in found if each.code == authority_of(register))


def own_key(register: Register, purpose: str | None = None) -> SealingKey:
    """The issuer's own key, as somebody holds it who seals elsewhere by it."""
    workshop, code = register.house.wired.workshop, authority_of(register)
    with workshop.database.reading(NOBODY) as db:
        found = seals_in_use(db, frozenset({code}), datetime.now(UTC), purpose)[code]
        return workshop.seals.opened(db, found).key


def strange_key(register: Register, organisation: str, uscc: str) -> SealingKey:
    """A key of the same certificate authority, which the vault has never heard of."""
    folder = SecretsFolder(register.house.settings.secrets)
    passphrase = folder.passphrase.read_bytes()
    root = IssuedKey(folder.authority_key.read_bytes(), folder.authority_certificate.read_bytes())
    issued = issue_seal_certificate(
        root,
        passphrase,
        organisation=organisation,
        uscc=uscc,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        passphrase=passphrase,
        at=datetime.now(UTC),
    )
    return load_file_key(issued.key_pem, passphrase, issued.certificate_pem)


def sealed_by(key: SealingKey) -> bytes:
    return seal_pdf(
        new_pdf(),
        key=key,
        appearance=SealAppearance(b"", 1, 100, 100, 40, None),
        field_name="elsewhere",
        reason="签发",
        location="样例市",
        at=datetime.now(UTC),
        tsa=None,
    ).content


def found_of(register: Register, folder: Path, *contents: bytes) -> list[RowOutcome]:
    """What becomes of a row for each of these files, born sealed as the register says."""
    for n, content in enumerate(contents):
        (folder / f"{n}.pdf").write_bytes(content)
        register.add(文件=f"{n}.pdf", 来源="电子证照")
    place = FilesPlace(FilesKind.FOLDER, str(folder))
    return outcomes(register, imported(register, register.csv(folder), place))


def test_the_issuers_own_seal(register: Register, tmp_path: Path) -> None:
    content = sealed_by(own_key(register))
    [found] = found_of(register, tmp_path, content)
    assert (found.state, found.reason) == (RowState.IMPORTED, "")
    assert sealed_bytes(register.house, record_of(register, found)) == content


def test_the_vaults_own_copy_of_a_scan_is_not_laundered(register: Register, tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(new_pdf())
    register.add(文件="scan.pdf", 来源="扫描件")
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    [copied] = outcomes(register, imported(register, register.csv(tmp_path), place))
    copy = sealed_bytes(register.house, record_of(register, copied))
    register.rows.clear()
    by_attestation = sealed_by(own_key(register, ATTESTATION))
    found = found_of(register, tmp_path, copy, by_attestation)
    assert [each.state for each in found] == [RowState.REJECTED, RowState.REJECTED]
    assert all("not the ordinary seal of an issuer" in each.reason for each in found)


def test_a_file_sealed_elsewhere(register: Register, tmp_path: Path) -> None:
    code, name = authority_of(register), name_of(register)
    found = found_of(
        register,
        tmp_path,
        sealed_by(strange_key(register, "另一机关", code)),
        sealed_by(strange_key(register, name, CODE)),
        sealed_by(strange_key(register, f"{name}工会", f"{code}0")),
        sealed_by(strange_key(register, f"{code} {name}", CODE)),
    )
    assert [each.state for each in found] == [RowState.IMPORTED, *[RowState.REJECTED] * 3]
    assert all("none of the authority that issues it" in each.reason for each in found[1:])


def test_a_sealed_file_is_one_certificates(register: Register, tmp_path: Path) -> None:
    content = sealed_by(own_key(register))
    found = found_of(register, tmp_path, content, content)
    assert [each.state for each in found] == [RowState.IMPORTED, RowState.REJECTED]
    assert found[1].reason == "Row 2 has the same file: a sealed file is one certificate's."
    held = record_of(register, found[0])
    register.rows.clear()
    [again] = found_of(register, tmp_path, content)
    assert again.reason.startswith("The vault has this file already")
    assert record_of(register, found[0]).documents == held.documents


def test_what_the_vault_typeset_is_no_file_of_another_row(register: Register, tmp_path: Path) -> None:
    register.add()
    [first] = outcomes(register, imported(register, register.csv(tmp_path)))
    content = sealed_bytes(register.house, record_of(register, first))
    register.rows.clear()
    [found] = found_of(register, tmp_path, content)
    assert found.reason.startswith("The vault has this file already")


def test_the_same_row_with_another_file_is_not_there_already(register: Register, tmp_path: Path) -> None:
    content = sealed_by(own_key(register))
    found_of(register, tmp_path, content)
    (tmp_path / "0.pdf").write_bytes(sealed_by(own_key(register)))
    register.rows[0]["备注0"] = "another manifest"
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    [found] = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert found.reason == "The vault has a certificate of this number that says something else in /file."
    (tmp_path / "0.pdf").write_bytes(content)
    register.rows[0]["备注0"] = "a third one"
    [found] = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert found.state is RowState.ALREADY_THERE


def test_the_same_row_of_another_origin_is_not_there_already(register: Register, tmp_path: Path) -> None:
    register.add()
    imported(register, register.csv(tmp_path))
    (tmp_path / "scan.pdf").write_bytes(new_pdf())
    register.rows[0] |= {"文件": "scan.pdf", "来源": "扫描件"}
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    [found] = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert found.state is RowState.REJECTED
    assert "something else in /origin/" in found.reason


def test_a_check_tells_what_an_import_would_reject(register: Register, tmp_path: Path) -> None:
    content = sealed_by(own_key(register))
    for n in range(2):
        (tmp_path / f"{n}.pdf").write_bytes(content)
        register.add(文件=f"{n}.pdf", 来源="电子证照")
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    order = order_of(register, register.csv(tmp_path), place, ImportMode.CHECK)
    workshop = register.house.wired.workshop
    run = run_import(workshop, order, here(workshop))
    assert (run.imported, run.rejected) == (1, 1)
    (tmp_path / "0.pdf").unlink()
    again = run_import(workshop, order, here(workshop))
    assert (again.run_id, again.imported, again.rejected) == (run.run_id, 1, 1)
    assert "no such file" in outcomes(register, again)[0].reason
    assert hashlib.sha256(content).hexdigest() not in outcomes(register, again)[1].reason
