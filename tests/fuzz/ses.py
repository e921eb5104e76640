"""National seals, their signatures and closing signatures: refused by a rule, or read as slices of what came.

The first byte chooses the reader.
"""

from datetime import UTC, datetime

from signing.national.authority import issue_national_certificate, new_national_authority
from signing.national.sealing_key import load_national_key
from signing.national.trust import NationalTrust
from signing.ses import (
    Extension,
    Picture,
    SealInfo,
    check_seal,
    make_seal,
    read_gbt35275,
    read_seal,
    read_ses,
    sign_gbt35275,
    sign_ses,
)
from vault.errors import SignatureError

AT = datetime(2026, 11, 23, tzinfo=UTC)
END = datetime(2029, 11, 23, tzinfo=UTC)
PASSPHRASE = b"of the fuzzer"
_ISSUED = issue_national_certificate(
    new_national_authority(passphrase=PASSPHRASE, at=AT),
    PASSPHRASE,
    organisation="样例市",
    uscc="91350100M000100Y43",
    passphrase=PASSPHRASE,
    at=AT,
)
KEY = load_national_key(_ISSUED.key_pem, PASSPHRASE, _ISSUED.certificate_pem)
DIGEST = bytes(range(32))
SEAL = make_seal(
    SealInfo(
        es_id="99010000000001",
        name="样例市",
        certificates=(KEY.certificate,),
        created_at=AT,
        valid_from=AT,
        valid_to=END,
        picture=Picture("png", b"\x89PNG", 42, 42),
        extensions=(Extension("1.2.3", critical=False, value=b"x"),),
    ),
    KEY,
)
_SEALED = sign_ses(SEAL, KEY, data_hash=DIGEST, property_info="/S.xml", at=AT, stamp=lambda _: b"token")

SEEDS = (b"\0" + SEAL, b"\1" + _SEALED, b"\2" + sign_gbt35275(KEY, data_hash=DIGEST, at=AT))


def one(data: bytes) -> None:
    """Nothing is raised but what the readers say they raise, and nothing is mended."""
    kind, rest = data[:1], data[1:]
    try:
        if kind == b"\0":
            _seal(rest)
        elif kind == b"\1":
            _sealed(rest)
        else:
            signed = read_gbt35275(rest)
            assert all(each in rest for each in signed.certificates)
            assert signed.signature in rest
    except SignatureError as refusal:
        if not refusal.detail:
            raise ValueError("A refusal without a reason.") from refusal


def _seal(content: bytes) -> None:
    read = read_seal(content)
    assert read.encoded == content
    assert read.info in content
    # The maker's key has signed one thing.
    held = {check.name for check in check_seal(read, NationalTrust(()), at=AT) if check.result == "passed"}
    if "maker_signature" in held and read.maker_certificate == KEY.certificate:
        assert read.info == read_seal(SEAL).info


def _sealed(content: bytes) -> None:
    read = read_ses(content)
    assert read.tbs in content
    assert read.seal in read.tbs
    assert read.read_seal.encoded == read.seal
