"""National seals in custody: made, brought in, refused by their rules, opened as pairs, stopped, resumed."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from signing import der, sm2
from signing.keys import SignatureAlgorithm
from signing.national.authority import (
    NationalAuthority,
    issue_national_certificate,
    new_national_authority,
)
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.ses import (
    Picture,
    SealInfo,
    make_seal,
    read_gbt35275,
    read_seal,
    read_ses,
    sign_gbt35275,
    sign_ses,
)
from signing.trust import IssuedKey
from storage.grants import usable_seals
from storage.seals import (
    NATIONAL,
    NATIONAL_CLOSING,
    SealRow,
    all_seals,
    find_seal,
    national_seal,
    platform_seal_in_use,
    seals_in_use,
    stop_seal,
)
from storage.tables import national_seals
from tests.conftest import House
from tests.custodians import two_custodians
from tests.desks import Desk
from tests.requests import example_request
from vault.custody import (
    BroughtKey,
    NationalLook,
    approve,
    from_sm2,
    import_closing_key,
    import_national_seal,
    make_and_import_national_seal,
    open_maker,
    propose,
    propose_resumption,
    resume,
    seals,
    stop,
)
from vault.errors import Conflict, InputError, IntegrityError, Unavailable
from vault.founding import SecretsFolder
from vault.model.catalogue import CertificateType
from vault.model.custody import Deed, GrantTerms
from vault.model.scope import VAULT
from vault.seal_making import PictureKind
from vault.seal_ring import SealRing

pytestmark = pytest.mark.engines

PASSWORD = "of the file"  # noqa: S105 - an invented file's
DIGEST = sm2.sm3(b"<ofd:Signature/>")
PATH = "/Doc_0/Signs/Sign_0/Signature.xml"


def folder(house: House) -> SecretsFolder:
    return SecretsFolder(house.settings.secrets)


def authority(house: House) -> NationalAuthority:
    """The vault's own development authority."""
    root, issuing = (
        IssuedKey(
            (folder(house).national / f"{name}.key.pem").read_bytes(),
            (folder(house).national / f"{name}.pem").read_bytes(),
        )
        for name in ("root", "issuing")
    )
    return NationalAuthority(root, issuing)


def issued(house: House, uscc: str, *, by: NationalAuthority | None = None) -> IssuedKey:
    passphrase = folder(house).passphrase.read_bytes()
    return issue_national_certificate(
        by or authority(house),
        passphrase,
        organisation="样例市",
        uscc=uscc,
        passphrase=PASSWORD.encode(),
        at=datetime.now(UTC),
    )


def maker(house: House) -> NationalSealingKey:
    own = folder(house)
    passphrase = own.passphrase.read_bytes()
    key, chain = (own.national / "maker.key.pem").read_bytes(), (own.national / "maker.pem").read_bytes()
    return load_national_key(key, passphrase, chain)


def brought(house: House, key: IssuedKey) -> BroughtKey:
    return from_sm2(key.key_pem, PASSWORD, key.certificate_pem, folder(house).passphrase.read_bytes())


def esl(house: House, signer: bytes, *, by: NationalSealingKey | None = None, **other: object) -> bytes:
    """A seal by the vault's maker, or another; `other`: what it says otherwise."""
    at = datetime.now(UTC)
    said = {
        "es_id": "99010000000001",
        "name": "样例市",
        "certificates": (signer,),
        "created_at": at,
        "valid_from": at - timedelta(days=1),
        "valid_to": at + timedelta(days=700),
        "picture": Picture("png", b"\x89PNG\r\n\x1a\n", 42, 42),
        **other,
    }
    return make_seal(SealInfo(**said), by or maker(house))  # type: ignore[arg-type]  # a test says what it likes


def deed() -> Deed:
    return Deed("os:root", "cli:root", datetime.now(UTC))


def brought_in(house: House, desk: Desk, key: BroughtKey, content: bytes) -> SealRow:
    return import_national_seal(
        house.wired.workshop,
        folder(house).seals,
        key,
        content,
        authority=desk.seal.authority,
        authority_name=desk.seal.authority_name,
        by=deed(),
    )


@pytest.fixture
def away(house: House) -> Iterator[list[str]]:
    """Seals that are stopped when the test is over, so that no other test meets them."""
    made: list[str] = []
    yield made
    with house.wired.workshop.database.writing(VAULT) as db:
        for seal_id in made:
            stop_seal(db, seal_id, datetime.now(UTC))


def nothing_was_kept(house: House, before: set[str]) -> bool:
    with house.wired.workshop.database.reading(VAULT) as db:
        there = {row.seal_id for row in all_seals(db)}
    return there == before and {path.name.split(".")[0] for path in folder(house).seals.iterdir()} <= before


@pytest.fixture
def before(house: House) -> set[str]:
    with house.wired.workshop.database.reading(VAULT) as db:
        return {row.seal_id for row in all_seals(db)}


def test_every_authority_of_a_development_vault_has_both_kinds(house: House) -> None:
    codes = frozenset(authority.code for authority in house.catalogue.city.authorities)
    at = datetime.now(UTC)
    with house.wired.workshop.database.reading(VAULT) as db:
        pdf, ofd = seals_in_use(db, codes, at), seals_in_use(db, codes, at, NATIONAL)
        assert pdf.keys() == ofd.keys() == codes
        assert not set(pdf.values()) & set(ofd.values())
        for seal_id in ofd.values():
            row, content = find_seal(db, seal_id), national_seal(db, seal_id)
            assert row is not None
            assert content is not None
            read = read_seal(content)
            assert (row.algorithm, read.name) == ("sm2-sm3", row.authority_name)
            assert (read.picture.kind, read.picture.width_mm, read.picture.content[:2]) == ("ofd", 42, b"PK")
        assert all(national_seal(db, seal_id) is None for seal_id in pdf.values())


def test_the_ring_opens_a_national_seal_that_seals(house: House, desk: Desk) -> None:
    at = datetime.now(UTC)
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        found = seals_in_use(db, frozenset({desk.seal.authority}), at, NATIONAL)[desk.seal.authority]
        opened = workshop.seals.opened(db, found)
        pdf = workshop.seals.opened(db, desk.seal.seal_id)
    assert opened.national is not None
    assert pdf.national is None
    assert opened.key.algorithm is SignatureAlgorithm.SM2_SM3
    made = read_ses(sign_ses(opened.national, opened.key, data_hash=DIGEST, property_info=PATH, at=at))
    assert (made.seal, made.certificate, made.data_hash) == (
        opened.national,
        opened.key.certificate,
        DIGEST,
    )


def test_the_ring_opens_the_closing_key(house: House) -> None:
    at = datetime.now(UTC)
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        found = platform_seal_in_use(db, at, NATIONAL_CLOSING)
        assert found is not None
        assert found != platform_seal_in_use(db, at)
        opened = workshop.seals.opened(db, found)
    assert (opened.national, opened.picture) == (None, b"")
    closed = read_gbt35275(sign_gbt35275(opened.key, data_hash=DIGEST, at=at))
    assert closed.certificate == opened.key.certificate


def test_a_deposit_of_a_pdf_takes_no_national_seal(house: House, desk: Desk, away: list[str]) -> None:
    """The newest seal of the authority is a national one, and granted."""
    key = brought(house, issued(house, desk.seal.authority))
    row = brought_in(house, desk, key, esl(house, key.key.certificate))
    away.append(row.seal_id)
    desk.granted(seal_id=row.seal_id)
    desk.granted()
    (certificate,) = desk.deposit(example_request(house.catalogue)).certificates
    assert certificate.documents[0].seal_id == desk.seal.seal_id


def test_a_real_one_is_brought_in_granted_stopped_and_resumed(
    house: House, desk: Desk, away: list[str]
) -> None:
    key = brought(house, issued(house, desk.seal.authority))
    content = esl(house, key.key.certificate)
    row = brought_in(house, desk, key, content)
    away.append(row.seal_id)
    workshop, at = house.wired.workshop, datetime.now(UTC)
    with workshop.database.reading(VAULT) as db:
        assert national_seal(db, row.seal_id) == content
        assert workshop.seals.opened(db, row.seal_id).national == content
    files = list(folder(house).seals.glob(f"{row.seal_id}*"))
    assert [path.name for path in files] == [f"{row.seal_id}.key.pem"]
    assert files[0].stat().st_mode & 0o777 == 0o600
    makes, approves = two_custodians(desk.seal.authority)
    kind = desk_type(desk, house)
    terms = GrantTerms(row.seal_id, kind.code, kind.version, desk.client.client_id, 5, at, row.not_after)
    made = propose(workshop, makes, [terms], via="test", at=at)
    approve(workshop, approves, [made.grants[0].grant_id], via="test", at=at)
    with workshop.database.reading(VAULT) as db:
        usable = usable_seals(
            db, desk.client.client_id, [desk.seal.authority], [terms.type_code], [NATIONAL], at
        )
    granted = usable.of(desk.seal.authority, NATIONAL, terms.type_code, terms.type_version)
    assert granted is not None
    assert granted.seal_id == row.seal_id

    (shown,) = [each for each in seals(workshop, at=at) if each.row.seal_id == row.seal_id]
    assert (shown.row.purpose, len(shown.grants)) == (NATIONAL, 1)
    stop(workshop, row.seal_id, deed(), "样例", via="test", at=at)
    ring = SealRing(folder(house).seals, folder(house).passphrase.read_bytes())
    with workshop.database.reading(VAULT) as db, pytest.raises(Unavailable, match="stopped"):
        ring.opened(db, row.seal_id)
    propose_resumption(workshop, makes, row.seal_id, "样例", via="test", at=at)
    resume(workshop, approves, row.seal_id, via="test", at=at)
    with workshop.database.reading(VAULT) as db:
        assert ring.opened(db, row.seal_id).national == content


def desk_type(desk: Desk, house: House) -> CertificateType:
    """A type that the desk's authority issues."""
    kinds = house.catalogue.types.values()
    return next(kind for kind in kinds if kind.authority(desk.seal.authority) is not None)


def test_a_seal_is_made_with_a_makers_key(house: House, desk: Desk, away: list[str]) -> None:
    own = folder(house)
    key = issued(house, "91350100M000100Y43")
    opened = open_maker(key.key_pem, PASSWORD, key.certificate_pem)
    signer = brought(house, issued(house, desk.seal.authority))
    look = NationalLook(
        desk.seal.authority, desk.seal.authority_name, "证照专用章", "9901000000077", PictureKind.PNG
    )
    row = make_and_import_national_seal(house.wired.workshop, own.seals, signer, opened, look, by=deed())
    away.append(row.seal_id)
    with house.wired.workshop.database.reading(VAULT) as db:
        content = national_seal(db, row.seal_id)
    assert content is not None
    read = read_seal(content)
    assert (read.es_id, read.name) == ("9901000000077", f"{desk.seal.authority_name}(证照专用章)")
    assert (read.picture.kind, read.picture.content[:4]) == ("png", b"\x89PNG")
    assert (read.maker_certificate, read.valid_to) == (opened.certificate, row.not_after)
    assert row.picture.startswith(b"0.85 0.08 0.09 rg")


def test_the_closing_key_is_brought_in_and_newest(house: House, away: list[str]) -> None:
    operator = house.catalogue.city.operator
    key = brought(house, issued(house, operator.code))
    workshop = house.wired.workshop

    def take() -> SealRow:
        return import_closing_key(
            workshop,
            folder(house).seals,
            key,
            authority=operator.code,
            authority_name=operator.name,
            by=deed(),
        )

    row = take()
    away.append(row.seal_id)
    with workshop.database.reading(VAULT) as db:
        assert platform_seal_in_use(db, datetime.now(UTC), NATIONAL_CLOSING) == row.seal_id
        assert national_seal(db, row.seal_id) is None
    with pytest.raises(Conflict, match="already"):
        take()


def test_a_platforms_key_is_granted_to_nobody(house: House, desk: Desk) -> None:
    at = datetime.now(UTC)
    with house.wired.workshop.database.reading(VAULT) as db:
        closing = platform_seal_in_use(db, at, NATIONAL_CLOSING)
    assert closing is not None
    operator = house.catalogue.city.operator.code
    terms = GrantTerms(
        closing, desk_type(desk, house).code, 1, desk.client.client_id, 5, at, at + timedelta(days=1)
    )
    with pytest.raises(InputError) as raised:
        propose(house.wired.workshop, two_custodians(operator)[0], [terms], via="test", at=at)
    assert any("no certificate bears it" in problem.detail for problem in raised.value.problems)


Made = Callable[[House, BroughtKey], bytes]


def by_a_stranger(house: House, key: BroughtKey) -> bytes:
    """A seal whose maker leads to a root that nobody knows."""
    at = datetime.now(UTC)
    stranger = new_national_authority(passphrase=folder(house).passphrase.read_bytes(), at=at)
    other = issued(house, "91350100M000100Y43", by=stranger)
    return esl(house, key.key.certificate, by=open_maker(other.key_pem, PASSWORD, other.certificate_pem))


def with_another_signature(house: House, key: BroughtKey) -> bytes:
    """Signed by its maker's key, but something else."""
    parts = [each.encoded for each in der.read(esl(house, key.key.certificate)).children()]
    return der.sequence(*parts[:3], der.bit_string(maker(house).sign(b"something else")))


def in_the_old_shape(house: House, key: BroughtKey) -> bytes:
    """The same values as GM/T 0031-2014 nests them."""
    info, certificate, algorithm, value = (
        each.encoded for each in der.read(esl(house, key.key.certificate)).children()
    )
    return der.sequence(info, der.sequence(certificate, algorithm, value))


def of_version_5(house: House, key: BroughtKey) -> bytes:
    """Signed by its maker, with the number of a later standard."""
    own = maker(house)
    four = read_seal(esl(house, key.key.certificate)).info
    info = four.replace(b"\x16\x02ES\x02\x01\x04", b"\x16\x02ES\x02\x01\x05", 1)
    parts = [each.encoded for each in der.read(esl(house, key.key.certificate)).children()]
    return der.sequence(info, *parts[1:3], der.bit_string(own.sign(info)))


def not_yet(house: House, key: BroughtKey) -> bytes:
    return esl(house, key.key.certificate, valid_from=datetime.now(UTC) + timedelta(days=1))


def no_more(house: House, key: BroughtKey) -> bytes:
    return esl(house, key.key.certificate, valid_to=datetime.now(UTC) - timedelta(minutes=1))


REFUSED: dict[str, tuple[Made, str]] = {
    "rubbish": (lambda _h, _k: secrets.token_bytes(100), "DER|Seal"),
    "trailing bytes": (lambda h, k: esl(h, k.key.certificate) + b"\0", "bytes are left over"),
    "somebody else's": (lambda h, _: esl(h, maker(h).certificate), "certList"),
    "not yet valid": (not_yet, "The seal is valid from"),
    "no longer valid": (no_more, "The seal is valid from"),
    "in the old shape": (in_the_old_shape, r"built as GM/T 0031-2014 \(V1\) says and calls itself version 4"),
    "of version 5": (of_version_5, "of version 5: expected version 4"),
    "another signature": (with_another_signature, "signature"),
    "a stranger's": (by_a_stranger, "The seal's maker would not be trusted"),
    "a huge picture": (
        lambda h, k: esl(h, k.key.certificate) + bytes(3 << 20),
        "A seal has at most 2097152 bytes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_hold_is_refused_and_leaves_nothing(
    house: House, desk: Desk, before: set[str], name: str
) -> None:
    make, match = REFUSED[name]
    key = brought(house, issued(house, desk.seal.authority))
    with pytest.raises(InputError, match=match):
        brought_in(house, desk, key, make(house, key))
    assert nothing_was_kept(house, before)


def test_another_organisations_certificate_is_refused(house: House, desk: Desk, before: set[str]) -> None:
    key = brought(house, issued(house, "91350100M000100Y43"))
    with pytest.raises(InputError, match="The certificate is 91350100M000100Y43's"):
        brought_in(house, desk, key, esl(house, key.key.certificate))
    assert nothing_was_kept(house, before)


def test_a_signer_of_another_root_is_refused(house: House, desk: Desk, before: set[str]) -> None:
    stranger = new_national_authority(passphrase=folder(house).passphrase.read_bytes(), at=datetime.now(UTC))
    key = brought(house, issued(house, desk.seal.authority, by=stranger))
    with pytest.raises(InputError, match="The signer would not be trusted"):
        brought_in(house, desk, key, esl(house, key.key.certificate))
    assert nothing_was_kept(house, before)


def test_the_same_certificate_is_brought_in_once(house: House, desk: Desk, away: list[str]) -> None:
    key = brought(house, issued(house, desk.seal.authority))
    away.append(brought_in(house, desk, key, esl(house, key.key.certificate)).seal_id)
    with pytest.raises(Conflict, match="already"):
        brought_in(house, desk, key, esl(house, key.key.certificate))


def test_an_import_that_is_broken_off_leaves_no_file(
    house: House, desk: Desk, before: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vault.custody.importing.insert_audit", broken)
    key = brought(house, issued(house, desk.seal.authority))
    with pytest.raises(KeyboardInterrupt):
        brought_in(house, desk, key, esl(house, key.key.certificate))
    assert nothing_was_kept(house, before)


def test_wrong_passwords_and_pairs_are_told(house: House, desk: Desk) -> None:
    key, other = issued(house, desk.seal.authority), issued(house, desk.seal.authority)
    passphrase = folder(house).passphrase.read_bytes()
    with pytest.raises(InputError, match="wrong passphrase"):
        from_sm2(key.key_pem, "another", key.certificate_pem, passphrase)
    with pytest.raises(InputError, match="public keys differ"):
        from_sm2(key.key_pem, PASSWORD, other.certificate_pem, passphrase)


def test_a_seal_that_is_not_its_keys_is_not_opened(house: House, desk: Desk, away: list[str]) -> None:
    """Somebody wrote into the database, as its owner: the ring looks at the pair again."""
    key = brought(house, issued(house, desk.seal.authority))
    row = brought_in(house, desk, key, esl(house, key.key.certificate))
    away.append(row.seal_id)
    ring = SealRing(folder(house).seals, folder(house).passphrase.read_bytes())
    another = esl(house, maker(house).certificate)
    with house.owner.writing(VAULT) as db:
        db.execute(text("ALTER TABLE national_seals DISABLE TRIGGER USER"))
        db.execute(national_seals.update().where(national_seals.c.id == row.seal_id).values(content=another))
        db.execute(text("ALTER TABLE national_seals ENABLE TRIGGER USER"))
    with (
        house.wired.workshop.database.reading(VAULT) as db,
        pytest.raises(IntegrityError, match="not its key's"),
    ):
        ring.opened(db, row.seal_id)
