"""Real seals are brought in from PKCS#12, PKCS#8 and tokens, tried out first, and seal when granted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from api.cli.sample_document import plain_pdf
from signing.keys import SignatureAlgorithm
from signing.trust import IssuedKey, issue_seal_certificate, new_development_authority
from storage.seals import SealRow, all_seals, stop_seal
from tests.conftest import House
from tests.custodians import two_custodians
from tests.desks import Desk
from tests.requests import example_request
from tests.tokens import PIN, Token
from vault.custody import (
    BroughtKey,
    SealLook,
    from_pkcs8,
    from_pkcs12,
    from_token,
    grant_what_is_missing,
    import_seal,
)
from vault.errors import Conflict, InputError
from vault.founding import SecretsFolder
from vault.model.custody import Deed

pytestmark = pytest.mark.engines

PASSWORD = "of the file"  # noqa: S105 - an invented file's
PAGE = plain_pdf("试用印", ["trial"])


def issued(house: House, uscc: str, *, authority: IssuedKey | None = None) -> IssuedKey:
    """A key and certificate by the vault's own root, or by another."""
    folder = SecretsFolder(house.settings.secrets)
    root = IssuedKey(folder.authority_key.read_bytes(), folder.authority_certificate.read_bytes())
    return issue_seal_certificate(
        authority or root,
        folder.passphrase.read_bytes(),
        organisation="样例市",
        uscc=uscc,
        algorithm=SignatureAlgorithm.ECDSA_P256_SHA256,
        passphrase=PASSWORD.encode(),
        at=datetime.now(UTC),
    )


def passphrase(house: House) -> bytes:
    return SecretsFolder(house.settings.secrets).passphrase.read_bytes()


def as_pkcs12(house: House, key: IssuedKey) -> bytes:
    private = load_pem_private_key(key.key_pem, PASSWORD.encode())
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    root = SecretsFolder(house.settings.secrets).authority_certificate.read_bytes()
    return pkcs12.serialize_key_and_certificates(
        b"seal",
        private,
        x509.load_pem_x509_certificate(key.certificate_pem),
        [x509.load_pem_x509_certificate(root)],
        BestAvailableEncryption(PASSWORD.encode()),
    )


def brought_in(house: House, desk: Desk, brought: BroughtKey) -> SealRow:
    now = datetime.now(UTC)
    return import_seal(
        house.wired.workshop,
        SecretsFolder(house.settings.secrets).seals,
        brought,
        SealLook(desk.seal.authority, desk.seal.authority_name, "行政审批专用章", "9901000000001"),
        trial_page=PAGE,
        by=Deed("os:root", "cli:root", now),
    )


def seals_after_being_granted(house: House, desk: Desk, row: SealRow) -> None:
    workshop = house.wired.workshop
    grant_what_is_missing(workshop, desk.client.client_id, two_custodians, at=datetime.now(UTC))
    try:
        (certificate,) = desk.deposit(example_request(house.catalogue)).certificates
        assert certificate.documents[0].seal_id == row.seal_id
    finally:
        with workshop.database.writing() as db:
            stop_seal(db, row.seal_id, datetime.now(UTC))


def test_from_a_pkcs12_file_with_its_issuer(house: House, desk: Desk) -> None:
    key = issued(house, desk.seal.authority)
    brought = from_pkcs12(as_pkcs12(house, key), PASSWORD, passphrase(house), None)
    assert brought.certificate_pem.count(b"BEGIN CERTIFICATE") == 2
    assert b"ENCRYPTED" in brought.files[".key.pem"]
    seals_after_being_granted(house, desk, brought_in(house, desk, brought))


def test_from_a_pkcs8_file_and_a_certificate(house: House, desk: Desk) -> None:
    key = issued(house, desk.seal.authority)
    brought = from_pkcs8(key.key_pem, PASSWORD, key.certificate_pem, passphrase(house), None)
    seals_after_being_granted(house, desk, brought_in(house, desk, brought))


def test_from_a_token_which_the_key_never_leaves(house: House, desk: Desk, token: Token) -> None:
    key = issued(house, desk.seal.authority)
    brought = from_token(token.take(key, PASSWORD.encode()), PIN, key.certificate_pem, None)
    row = brought_in(house, desk, brought)
    folder = SecretsFolder(house.settings.secrets).seals
    kept = {path.name.removeprefix(row.seal_id): path for path in folder.glob(f"{row.seal_id}*")}
    assert set(kept) == {".pkcs11", ".pin"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept.values())
    seals_after_being_granted(house, desk, row)


def test_a_pin_that_the_uri_names_a_file_for_is_kept_nowhere_else(
    house: House, desk: Desk, token: Token, tmp_path: Path
) -> None:
    key = issued(house, desk.seal.authority)
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    uri = f"{token.take(key, PASSWORD.encode())}&pin-source=file:{pin}"
    brought = from_token(uri, None, key.certificate_pem, None)
    assert set(brought.files) == {".pkcs11"}
    seals_after_being_granted(house, desk, brought_in(house, desk, brought))


def test_nothing_is_sealed_with_it_before_it_is_granted(house: House, desk: Desk) -> None:
    key = issued(house, desk.seal.authority)
    desk.granted()
    row = brought_in(
        house, desk, from_pkcs8(key.key_pem, PASSWORD, key.certificate_pem, passphrase(house), None)
    )
    try:
        (certificate,) = desk.deposit(example_request(house.catalogue)).certificates
        assert certificate.documents[0].seal_id == desk.seal.seal_id  # older, and granted
    finally:
        with house.wired.workshop.database.writing() as db:
            stop_seal(db, row.seal_id, datetime.now(UTC))


def test_wrong_passwords_and_files_are_told(house: House, desk: Desk) -> None:
    key = issued(house, desk.seal.authority)
    other = issued(house, desk.seal.authority)
    p12 = as_pkcs12(house, key)
    with pytest.raises(InputError, match="wrong password"):
        from_pkcs12(p12, "another", passphrase(house), None)
    with pytest.raises(InputError, match="no such file"):
        from_pkcs12(b"rubbish", PASSWORD, passphrase(house), None)
    with pytest.raises(InputError, match="wrong password"):
        from_pkcs8(key.key_pem, "another", key.certificate_pem, passphrase(house), None)
    with pytest.raises(InputError, match="public keys differ"):
        from_pkcs8(key.key_pem, PASSWORD, other.certificate_pem, passphrase(house), None)
    with pytest.raises(InputError, match="PIN is missing"):
        from_token("pkcs11:token=a;object=b?module-path=/x.so", None, None, None)


def nothing_was_kept(house: House, before: set[str]) -> bool:
    folder = SecretsFolder(house.settings.secrets).seals
    with house.wired.workshop.database.reading() as db:
        seals = {row.seal_id for row in all_seals(db)}
    return seals == before and {path.name.split(".")[0] for path in folder.iterdir()} <= before


def test_what_would_not_be_trusted_is_refused_and_leaves_nothing(house: House, desk: Desk) -> None:
    with house.wired.workshop.database.reading() as db:
        before = {row.seal_id for row in all_seals(db)}
    stranger = new_development_authority(passphrase=passphrase(house), at=datetime.now(UTC))
    foreign = issued(house, desk.seal.authority, authority=stranger)
    brought = from_pkcs8(foreign.key_pem, PASSWORD, foreign.certificate_pem, passphrase(house), None)
    with pytest.raises(InputError, match="would not be trusted"):
        brought_in(house, desk, brought)
    somebody = issued(house, "91350100M000100Y43")
    brought = from_pkcs8(somebody.key_pem, PASSWORD, somebody.certificate_pem, passphrase(house), None)
    with pytest.raises(InputError, match="91350100M000100Y43"):
        brought_in(house, desk, brought)
    assert nothing_was_kept(house, before)


def test_the_same_certificate_is_brought_in_once(house: House, desk: Desk) -> None:
    key = issued(house, desk.seal.authority)
    brought = from_pkcs8(key.key_pem, PASSWORD, key.certificate_pem, passphrase(house), None)
    row = brought_in(house, desk, brought)
    try:
        with pytest.raises(Conflict, match="already"):
            brought_in(house, desk, brought)
    finally:
        with house.wired.workshop.database.writing() as db:
            stop_seal(db, row.seal_id, datetime.now(UTC))


def test_an_import_that_is_broken_off_leaves_no_file(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.wired.workshop.database.reading() as db:
        before = {row.seal_id for row in all_seals(db)}

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vault.custody.importing.insert_audit", broken)
    key = issued(house, desk.seal.authority)
    with pytest.raises(KeyboardInterrupt):
        brought_in(
            house, desk, from_pkcs8(key.key_pem, PASSWORD, key.certificate_pem, passphrase(house), None)
        )
    assert nothing_was_kept(house, before)
