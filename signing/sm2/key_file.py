"""SM2 keys as encrypted PKCS#8 (RFC 5958) with PBES2 (RFC 8018), as `openssl pkcs8` and GmSSL write them.

Read: PBKDF2 with SHA-1, SHA-2 or SM3, and AES or SM4 in CBC mode. Written: PBKDF2 with SHA-256 and AES-256.

Buffers that held a key in the clear are overwritten where they are ours; copies that the decoder and the
cipher make are not. That leaves fewer copies, not none: whoever reads the memory of the process has its keys.
"""

import secrets
from typing import Any, ClassVar

from asn1crypto import algos, core, keys, pem
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from signing.sm2 import engine
from signing.sm2.curve import FIELD_BYTES, ORDER
from signing.sm2.keys import PrivateKey
from vault.errors import SignatureError

SM2_CURVE = "1.2.156.10197.1.301"  # GB/T 33560
KEY_FILE_MAX_BYTES = 16_384  # such a file has about 400
# Guards files whose password a person chose, at 25 ms; the vault's own passphrase has 256 bits
ITERATIONS = 100_000
ITERATIONS_MAX = 10_000_000  # seconds of work: no file in use asks for more
SALT_BYTES = 16  # NIST SP 800-132, clause 5.1: 128 bits
_BLOCK_BYTES = 16  # of AES and SM4 alike
_AES_256_BYTES = 32
_PEM_TYPE = "ENCRYPTED PRIVATE KEY"
_PRFS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - in HMAC, where its collisions do not matter: the standard's default
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "1.2.156.10197.1.401.2": hashes.SM3(),
}
# Cipher and key size in octets, by asn1crypto's name or by number
_CIPHERS: dict[str, tuple[Any, int]] = {
    "aes128_cbc": (algorithms.AES, 16),
    "aes192_cbc": (algorithms.AES, 24),
    "aes256_cbc": (algorithms.AES, 32),
    "1.2.156.10197.1.104.2": (algorithms.SM4, 16),
}


class _Algorithm(core.Sequence):  # type: ignore[misc]  # asn1crypto publishes no types
    _fields: ClassVar = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class _PrivateKeyInfo(core.Sequence):  # type: ignore[misc]  # as above
    _fields: ClassVar = [
        ("version", core.Integer),
        ("algorithm", _Algorithm),
        ("private_key", core.OctetString),
        ("attributes", core.SetOf, {"implicit": 0, "optional": True}),
    ]


class _EcPrivateKey(core.Sequence):  # type: ignore[misc]  # as above
    """RFC 5915, clause 3."""

    _fields: ClassVar = [
        ("version", core.Integer),
        ("private_key", core.OctetString),
        ("parameters", core.ObjectIdentifier, {"explicit": 0, "optional": True}),
        ("public_key", core.OctetBitString, {"explicit": 1, "optional": True}),
    ]


def load_key(key_pem: bytes, passphrase: bytes) -> PrivateKey:
    """Open an encrypted PKCS#8 key and check it: in [1, n-2], and the public half, if there, is its own.

    Raises:
        SignatureError: wrong passphrase, not encrypted or not PEM (`key-unreadable`), not SM2 or encrypted in
            another way (`key-unsuitable`), or the halves do not belong together (`key-mismatch`).
    """
    try:
        plain = _decrypted(key_pem, passphrase)
        try:
            scalar, public_key = _read_key(bytes(plain))
        finally:
            plain[:] = bytes(len(plain))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise SignatureError(
            "The SM2 key cannot be read: wrong passphrase, or no encrypted PKCS#8 as PEM.",
            reason="key-unreadable",
        ) from error
    try:
        if len(scalar) != FIELD_BYTES or not 0 < int.from_bytes(scalar, "big") < ORDER - 1:
            raise SignatureError("The SM2 private key is out of range.", reason="key-unsuitable")
        key = PrivateKey(engine.chosen_engine().open_key(scalar))
    finally:
        scalar[:] = bytes(len(scalar))
    if public_key not in {None, key.public_key}:
        raise SignatureError("The key file's public half is not its private one's.", reason="key-mismatch")
    return key


def key_pem(key: PrivateKey, passphrase: bytes) -> bytes:
    """The key as encrypted PKCS#8, PEM."""
    salt, start = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(_BLOCK_BYTES)
    plain = _written_key(key)
    padder = padding.PKCS7(8 * _BLOCK_BYTES).padder()
    derived = PBKDF2HMAC(hashes.SHA256(), _AES_256_BYTES, salt, ITERATIONS).derive(passphrase)
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(start)).encryptor()
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    plain[:] = bytes(len(plain))
    pbkdf2 = {
        "salt": core.OctetString(salt),
        "iteration_count": ITERATIONS,
        "prf": {"algorithm": "sha256", "parameters": core.Null()},
    }
    parameters = {
        "key_derivation_func": {"algorithm": "pbkdf2", "parameters": pbkdf2},
        "encryption_scheme": {"algorithm": "aes256_cbc", "parameters": core.OctetString(start)},
    }
    scheme = {"algorithm": "pbes2", "parameters": algos.Pbes2Params(parameters)}
    info = keys.EncryptedPrivateKeyInfo({"encryption_algorithm": scheme, "encrypted_data": sealed})
    armoured: bytes = pem.armor(_PEM_TYPE, info.dump())
    return armoured


def _decrypted(pem_octets: bytes, passphrase: bytes) -> bytearray:
    if len(pem_octets) > KEY_FILE_MAX_BYTES:
        raise ValueError("too long for a key file")
    kind, _, encoded = pem.unarmor(pem_octets)
    if kind != _PEM_TYPE:
        raise ValueError("no encrypted key")
    info = keys.EncryptedPrivateKeyInfo.load(encoded, strict=True)
    scheme = info["encryption_algorithm"]
    if scheme["algorithm"].native != "pbes2":
        raise _unsupported()
    derivation = scheme["parameters"]["key_derivation_func"]
    encryption = scheme["parameters"]["encryption_scheme"]
    cipher, size = _CIPHERS.get(encryption["algorithm"].native, (None, 0))
    if cipher is None or derivation["algorithm"].native != "pbkdf2":
        raise _unsupported()
    pbkdf2 = derivation["parameters"]
    prf, iterations = _PRFS.get(pbkdf2["prf"]["algorithm"].native), pbkdf2["iteration_count"].native
    if prf is None or not 0 < iterations <= ITERATIONS_MAX:
        raise _unsupported()
    derived = PBKDF2HMAC(prf, size, pbkdf2["salt"].native, iterations).derive(passphrase)
    decryptor = Cipher(cipher(derived), modes.CBC(encryption["parameters"].native)).decryptor()
    unpadder = padding.PKCS7(8 * _BLOCK_BYTES).unpadder()
    padded = decryptor.update(info["encrypted_data"].native) + decryptor.finalize()
    return bytearray(unpadder.update(padded) + unpadder.finalize())


def _read_key(plain: bytes) -> tuple[bytearray, bytes | None]:
    """The private key, and the public one where the file has it."""
    info = _PrivateKeyInfo.load(plain, strict=True)
    algorithm = info["algorithm"]
    curve = algorithm["parameters"]
    if algorithm["algorithm"].dotted != "1.2.840.10045.2.1" or (
        curve.parse(core.ObjectIdentifier).dotted != SM2_CURVE
    ):
        raise SignatureError("The key is none of SM2's recommended curve.", reason="key-unsuitable")
    held = _EcPrivateKey.load(info["private_key"].native, strict=True)
    public = held["public_key"].native
    return bytearray(held["private_key"].native), public


def _written_key(key: PrivateKey) -> bytearray:
    scalar = key.engine_key.scalar()
    held = _EcPrivateKey({"version": 1, "private_key": bytes(scalar), "public_key": key.public_key})
    scalar[:] = bytes(len(scalar))
    algorithm = {"algorithm": "1.2.840.10045.2.1", "parameters": core.ObjectIdentifier(SM2_CURVE)}
    info = _PrivateKeyInfo({"version": 0, "algorithm": algorithm, "private_key": held.dump()})
    return bytearray(info.dump())


def _unsupported() -> SignatureError:
    return SignatureError(
        "The SM2 key's encryption is not read: expected PBES2 with PBKDF2, and AES or SM4 in CBC mode.",
        reason="key-unsuitable",
    )
