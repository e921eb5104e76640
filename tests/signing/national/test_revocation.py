"""CRLs of SM2: what they say of a signer and an authority, and which are not believed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from signing.national.authority import national_crl
from signing.national.path import check_national_path, check_national_revocation
from signing.national.trust import CRL_MAX_BYTES, CRLS_MAX, NationalTrust
from tests.signing.national.test_certificates import with_bit_changed
from tests.signing.national.workshop import NOW, PASSPHRASE, NationalWorkshop, issue, new_national_workshop
from tests.signing.sm2.test_signatures import DISTID, openssl
from vault.errors import SignatureError

DAY = timedelta(days=1)


def known(national: NationalWorkshop, *crls: bytes, required: bool = False, proven: bool = False) -> bool:
    """What these CRLs come to for the development signer, two days after it was certified."""
    trust = NationalTrust((national.root.der,), crls, revocation_required=required)
    at = NOW + 2 * DAY
    path = check_national_path(national.signer, national.key.chain, trust, at=at)
    return check_national_revocation(path, trust, at=at, proven=proven, now=at + DAY / 2)


def crls_of(national: NationalWorkshop) -> tuple[bytes, bytes]:
    """Empty lists of the issuing CA and of the root."""
    at = NOW + 2 * DAY
    return (
        national_crl(national.authority.issuing, PASSPHRASE, at=at),
        national_crl(national.authority.root, PASSPHRASE, at=at),
    )


def revoking(national: NationalWorkshop, *, days: int) -> bytes:
    """The issuing CA's list, on which the signer was put so many days after it was certified."""
    revoked = {4711: NOW, national.signer.serial: NOW + days * DAY}
    return national_crl(national.authority.issuing, PASSPHRASE, at=NOW + 2 * DAY, revoked=revoked)


def test_lists_of_both_authorities_say_that_nothing_was_revoked(national: NationalWorkshop) -> None:
    of_issuing, of_root = crls_of(national)
    assert known(national, of_issuing, of_root, required=True)
    assert not known(national, of_issuing), "nobody spoke of the issuing CA"
    with pytest.raises(SignatureError, match="not known") as caught:
        known(national, of_issuing, required=True)
    assert caught.value.reason == "TRY_LATER"


def test_a_signer_revoked_before_is_revoked(national: NationalWorkshop) -> None:
    with pytest.raises(SignatureError, match="was revoked at 2026-11-24") as caught:
        known(national, revoking(national, days=1), proven=True)
    assert caught.value.reason == "REVOKED_NO_POE"


def test_a_signer_revoked_later_is_revoked_unless_the_time_is_proven(national: NationalWorkshop) -> None:
    later = revoking(national, days=3)
    assert known(national, later, crls_of(national)[1], proven=True)
    with pytest.raises(SignatureError) as caught:
        known(national, later, proven=False)
    assert caught.value.reason == "REVOKED_NO_POE"


def test_a_revoked_authority_breaks_what_it_issued(national: NationalWorkshop) -> None:
    revoked = {national.issuing.serial: NOW + DAY}
    of_root = national_crl(national.authority.root, PASSPHRASE, at=NOW + 2 * DAY, revoked=revoked)
    with pytest.raises(SignatureError, match="development national seals") as caught:
        known(national, of_root)
    assert caught.value.reason == "REVOKED_NO_POE"


def test_another_certificate_of_the_same_issuer_is_not_meant(national: NationalWorkshop) -> None:
    other = issue(national.authority)
    assert other.certificate_pem != national.issued.certificate_pem
    of_issuing = national_crl(
        national.authority.issuing, PASSPHRASE, at=NOW + 2 * DAY, revoked={national.signer.serial + 1: NOW}
    )
    assert known(national, of_issuing, crls_of(national)[1], required=True)


def test_lists_that_are_not_believed_say_nothing(national: NationalWorkshop) -> None:
    real = revoking(national, days=1)
    changed = bytearray(real)
    changed[-1] ^= 1
    shifted = bytearray(real)
    shifted[real.index(b"261125")] ^= 1
    stranger = new_national_workshop()  # the same names, other keys
    forged = national_crl(
        stranger.authority.issuing, PASSPHRASE, at=NOW + 2 * DAY, revoked={national.signer.serial: NOW}
    )
    before = national_crl(
        national.authority.issuing, PASSPHRASE, at=NOW - 2 * DAY, revoked={national.signer.serial: NOW}
    )
    for crl in (bytes(changed), bytes(shifted), forged, before, b"", real[:-1], real + b"\0"):
        assert not known(national, crl)


# Which bits make a serial number negative is another each time
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_a_list_with_any_bit_changed_says_nothing(national: NationalWorkshop) -> None:
    real = revoking(national, days=1)
    trust, at = national.trust, NOW + 2 * DAY
    path = check_national_path(national.signer, national.key.chain, trust, at=at)
    for bit in range(8 * len(real)):
        changed = replace(trust, crls=(with_bit_changed(real, bit),))
        assert not check_national_revocation(path, changed, at=at, proven=False, now=at)


def test_an_older_list_does_while_it_is_the_newest(national: NationalWorkshop) -> None:
    days = 2 * DAY
    lists = [
        national_crl(authority, PASSPHRASE, at=NOW + DAY, next_at=NOW + DAY + days)
        for authority in (national.authority.issuing, national.authority.root)
    ]
    assert known(national, *lists, required=True)
    ended = [
        national_crl(authority, PASSPHRASE, at=NOW + DAY, next_at=NOW + days)
        for authority in (national.authority.issuing, national.authority.root)
    ]
    assert not known(national, *ended)


def test_lists_are_bounded(national: NationalWorkshop) -> None:
    trust, at = national.trust, NOW + 2 * DAY
    path = check_national_path(national.signer, national.key.chain, trust, at=at)
    known = replace(trust, crls=tuple(crls_of(national)))
    assert check_national_revocation(path, known, at=at, proven=False, now=at)
    full = replace(known, crls=(*[b"rubbish"] * CRLS_MAX, *known.crls))
    assert not check_national_revocation(path, full, at=at, proven=False, now=at)
    assert replace(trust, crls=(bytes(CRL_MAX_BYTES + 1),)).knowledge().crls == ()


def test_openssl_reads_and_verifies_a_list(national: NationalWorkshop, tmp_path: Path) -> None:
    encoded = revoking(national, days=1)
    listed = x509.load_der_x509_crl(encoded)
    (tmp_path / "crl.der").write_bytes(encoded)
    (tmp_path / "issuing.pem").write_bytes(national.authority.issuing.certificate_pem)
    (tmp_path / "signed").write_bytes(listed.tbs_certlist_bytes)
    (tmp_path / "signature").write_bytes(listed.signature)
    openssl(tmp_path, "x509 -in issuing.pem -pubkey -noout -out public.pem")
    openssl(tmp_path, f"dgst -sm3 -sigopt {DISTID} -verify public.pem -signature signature signed")
    openssl(tmp_path, "crl -inform DER -in crl.der -text -noout -out text")
    assert f"{national.signer.serial:X}" in (tmp_path / "text").read_text().replace(":", "")
