"""SM2 keys in files: ours and openssl's, and files that must not become keys."""

import pickle
from pathlib import Path

import pytest
from asn1crypto import keys, pem
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from signing import der, sm2
from signing.sm2 import key_file
from signing.sm2.curve import ORDER
from signing.sm2.key_file import ITERATIONS_MAX, KEY_FILE_MAX_BYTES
from tests.signing.sm2.conftest import opened
from tests.signing.sm2.test_signatures import openssl
from vault.errors import SignatureError

pytestmark = pytest.mark.usefixtures("sm2_engine")
PASSPHRASE = "口令".encode()


def test_a_key_is_written_and_read() -> None:
    key = sm2.generate()
    again = sm2.load_key(sm2.key_pem(key, PASSPHRASE), PASSPHRASE)
    assert again.public_key == key.public_key
    assert again.engine_key.scalar() == key.engine_key.scalar()


def test_openssl_reads_what_we_write(tmp_path: Path) -> None:
    key = sm2.generate()
    (tmp_path / "key.pem").write_bytes(sm2.key_pem(key, b"secret"))
    openssl(tmp_path, "pkcs8 -in key.pem -passin pass:secret -out plain.pem")
    openssl(tmp_path, "pkey -in plain.pem -check -noout")
    openssl(tmp_path, "pkey -in plain.pem -pubout -outform DER -out public.der")
    assert (tmp_path / "public.der").read_bytes().endswith(key.public_key)


@pytest.mark.parametrize(
    "options",
    [
        "",
        "-v2 aes-128-cbc -v2prf hmacWithSHA1",
        "-v2 aes-192-cbc -v2prf hmacWithSHA384",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 5",
        "-v2 sm4-cbc",
    ],
)
def test_we_read_what_openssl_writes(options: str, tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey -algorithm SM2 -out plain.pem")
    openssl(tmp_path, f"pkcs8 -topk8 -in plain.pem {options} -passout pass:secret -out key.pem")
    openssl(tmp_path, "pkey -in plain.pem -pubout -outform DER -out public.der")
    key = sm2.load_key((tmp_path / "key.pem").read_bytes(), b"secret")
    assert (tmp_path / "public.der").read_bytes().endswith(key.public_key)


def test_a_file_without_the_public_half_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    key = sm2.generate()
    written = key_file._written_key(key)  # noqa: SLF001 - to leave out what we always write
    info = key_file._PrivateKeyInfo.load(bytes(written))  # noqa: SLF001 - as above
    held = key_file._EcPrivateKey({"version": 1, "private_key": bytes(key.engine_key.scalar())})  # noqa: SLF001 - as above
    info["private_key"] = held.dump()
    without = pem_of(monkeypatch, info.dump())
    assert len(without) < len(sm2.key_pem(key, b"secret"))
    assert sm2.load_key(without, b"secret").public_key == key.public_key


def test_a_public_half_of_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key, another = sm2.generate(), sm2.generate()
    forged = bytes(key_file._written_key(key)).replace(key.public_key, another.public_key)  # noqa: SLF001 - see above
    with pytest.raises(SignatureError, match="not its private one's") as caught:
        sm2.load_key(pem_of(monkeypatch, forged), b"secret")
    assert caught.value.reason == "key-mismatch"


@pytest.mark.parametrize("scalar", [0, ORDER - 1, ORDER, 2**256 - 1])
def test_a_scalar_out_of_range_is_refused(scalar: int, monkeypatch: pytest.MonkeyPatch) -> None:
    key = sm2.generate()
    forged = bytes(key_file._written_key(key)).replace(  # noqa: SLF001 - see above
        bytes(key.engine_key.scalar()), scalar.to_bytes(32, "big")
    )
    with pytest.raises(SignatureError, match="out of range") as caught:
        sm2.load_key(pem_of(monkeypatch, forged), b"secret")
    assert caught.value.reason == "key-unsuitable"


def test_other_keys_are_refused_by_name() -> None:
    others: list[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]
    others = [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)]
    for other in others:
        encrypted = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        with pytest.raises(SignatureError, match="none of SM2's") as caught:
            sm2.load_key(encrypted, b"secret")
        assert caught.value.reason == "key-unsuitable"
        plain = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(SignatureError, match="no encrypted PKCS#8") as caught:
            sm2.load_key(plain, b"secret")
        assert caught.value.reason == "key-unreadable"


def test_a_wrong_passphrase_and_rubbish_are_unreadable() -> None:
    written = sm2.key_pem(sm2.generate(), b"secret")
    armour = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
    rubbish = [b"", b"no PEM", written[:-60], armour, written + b"x" * KEY_FILE_MAX_BYTES]
    for content, passphrase in [(written, b"wrong"), (written, b""), *((one, b"secret") for one in rubbish)]:
        with pytest.raises(SignatureError) as caught:
            sm2.load_key(content, passphrase)
        assert caught.value.reason == "key-unreadable"


def test_every_octet_of_a_file_may_be_wrong() -> None:
    _, _, encoded = pem.unarmor(sm2.key_pem(sm2.generate(), b"secret"))
    for place in range(len(encoded) - 160):  # the structure; behind it lies the encrypted part
        changed = bytearray(encoded)
        changed[place] ^= 0x04
        try:
            sm2.load_key(pem.armor("ENCRYPTED PRIVATE KEY", bytes(changed)), b"secret")
        except SignatureError as error:
            assert error.reason in {"key-unreadable", "key-unsuitable"}  # noqa: PT017 - an octet may not matter


def test_work_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, encoded = pem.unarmor(sm2.key_pem(sm2.generate(), b"secret"))
    info = keys.EncryptedPrivateKeyInfo.load(encoded)
    info["encryption_algorithm"]["parameters"]["key_derivation_func"]["parameters"]["iteration_count"] = (
        ITERATIONS_MAX + 1
    )
    monkeypatch.setattr(key_file, "PBKDF2HMAC", None)  # nobody may begin
    with pytest.raises(SignatureError, match="PBKDF2") as caught:
        sm2.load_key(pem.armor("ENCRYPTED PRIVATE KEY", info.dump(force=True)), b"secret")
    assert caught.value.reason == "key-unsuitable"


def test_an_encryption_that_is_not_read_is_named(tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey -algorithm SM2 -out plain.pem")
    for options in ("-v2 des3", "-scrypt", "-v1 PBE-SHA1-3DES"):
        openssl(tmp_path, f"pkcs8 -topk8 -in plain.pem {options} -passout pass:secret -out key.pem")
        with pytest.raises(SignatureError, match="PBKDF2") as caught:
            sm2.load_key((tmp_path / "key.pem").read_bytes(), b"secret")
        assert caught.value.reason == "key-unsuitable"


def test_a_key_tells_nothing_and_is_not_copied() -> None:
    key = sm2.generate()
    assert key.engine_key.scalar().hex() not in repr(key).lower()
    with pytest.raises(TypeError):
        pickle.dumps(key)


def pem_of(monkeypatch: pytest.MonkeyPatch, plain: bytes) -> bytes:
    """These octets, encrypted as we encrypt a key."""
    with monkeypatch.context() as changed:
        changed.setattr(key_file, "_written_key", lambda _: bytearray(plain))
        return sm2.key_pem(sm2.PrivateKey(opened("libcrypto").generate()), b"secret")


def test_a_file_by_hmac_sm3_and_sm4_is_read() -> None:
    """As GmSSL writes it; no tool here does, so this file is written by the test itself."""
    key, salt, start = sm2.generate(), bytes(16), bytes(range(16))
    derived = PBKDF2HMAC(hashes.SM3(), 16, salt, 10).derive(b"secret")
    plain = bytes(key_file._written_key(key))  # noqa: SLF001 - what is encrypted
    plain += bytes((16 - len(plain) % 16,)) * (16 - len(plain) % 16)
    encryptor = Cipher(algorithms.SM4(derived), modes.CBC(start)).encryptor()
    encrypted = encryptor.update(plain) + encryptor.finalize()
    pbkdf2 = der.sequence(
        der.octet_string(salt), der.integer(10), der.sequence(der.oid("1.2.156.10197.1.401.2"), der.NULL)
    )
    sm4_cbc = der.sequence(der.oid("1.2.156.10197.1.104.2"), der.octet_string(start))
    derivation = der.sequence(der.oid("1.2.840.113549.1.5.12"), pbkdf2)
    scheme = der.sequence(der.oid("1.2.840.113549.1.5.13"), der.sequence(derivation, sm4_cbc))
    written = pem.armor("ENCRYPTED PRIVATE KEY", der.sequence(scheme, der.octet_string(encrypted)))
    assert sm2.load_key(written, b"secret").public_key == key.public_key
