"""Keys on a real token (SoftHSM2): they sign as files do, from many threads, and when the token forgot us."""

import ctypes
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute, CertificateType, KeyType, ObjectClass

from signing.appearance import SealAppearance
from signing.keys import PDF_ALGORITHMS, SignatureAlgorithm, rsa_padding
from signing.seal import seal_pdf
from signing.token_key import SESSIONS_MAX, TokenSealingKey, load_token_key, token_certificate
from signing.token_library import token_library
from signing.token_uri import TokenUri, parse_token_uri
from signing.trust import IssuedKey, issue_seal_certificate
from signing.validate import judge_pdf
from tests.signing.workshop import NOW, PASSPHRASE, PICTURE, Workshop, tiny_pdf
from tests.tokens import LABEL, PIN, Token
from vault.errors import SignatureError, Unavailable
from vault.model.verdict import Indication

THREADS = 2 * SESSIONS_MAX
# Tries a wrong PIN twelve times, where SoftHSM locks a token after ten, then the right one.
STUBBORN = """
import sys
from signing.token_key import _Token
from signing.token_library import token_library
from signing.token_uri import parse_token_uri
from pkcs11.exceptions import PinIncorrect
token = _Token(parse_token_uri(sys.argv[1]), "9999")
for _ in range(12):
    try:
        with token.key():
            pass
    except PinIncorrect:
        continue
    raise SystemExit(1)
right = _Token(parse_token_uri(sys.argv[1]), sys.argv[2])
with right.key():
    print("still open")
"""
ECDSA = SignatureAlgorithm.ECDSA_P256_SHA256


def issued(workshop: Workshop, algorithm: SignatureAlgorithm) -> IssuedKey:
    return issue_seal_certificate(
        workshop.authority,
        PASSPHRASE,
        organisation="样例市行政审批局",
        uscc="91350100M000100Y43",
        algorithm=algorithm,
        passphrase=PASSPHRASE,
        at=NOW,
    )


def on_token(workshop: Workshop, token: Token, algorithm: SignatureAlgorithm) -> TokenSealingKey:
    made = issued(workshop, algorithm)
    uri = parse_token_uri(token.take(made, PASSPHRASE))
    return load_token_key(uri, PIN, made.certificate_pem, algorithm=algorithm)


def check(key: TokenSealingKey, message: bytes, signature: bytes) -> None:
    public = x509.load_der_x509_certificate(key.certificate).public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(signature, message, rsa_padding(key.algorithm), SHA256())


def test_a_key_on_a_token_seals_what_the_reader_trusts(
    workshop: Workshop, token: Token, algorithm: SignatureAlgorithm
) -> None:
    key = on_token(workshop, token, algorithm)
    signature = key.sign(b"message")
    check(key, b"message", signature)
    assert len(signature) <= key.signature_size_max_bytes
    sealed = seal_pdf(
        tiny_pdf(),
        key=key,
        appearance=SealAppearance(PICTURE, 1, 100, 100, 42, None),
        field_name="seal",
        reason="样例",
        location="样例市",
        at=NOW,
        tsa=workshop.tsa,
    )
    assert judge_pdf(sealed.content, trust=workshop.trust, at=NOW)[-1].indication is Indication.TOTAL_PASSED


def test_threads_share_a_pool_of_sessions(workshop: Workshop, token: Token) -> None:
    key, barrier = on_token(workshop, token, ECDSA), Barrier(THREADS)

    def one(n: int) -> list[tuple[bytes, bytes]]:
        barrier.wait()
        messages = [f"{n}-{m}".encode() for m in range(20)]
        return [(message, key.sign(message)) for message in messages]

    with ThreadPoolExecutor(THREADS) as pool:
        for signed in pool.map(one, range(THREADS)):
            for message, signature in signed:
                check(key, message, signature)


def forget_us(token: Token, how: str, slot: int) -> None:
    """What a token that was reset does: behind the back of whoever is logged in, from the same process."""
    library = ctypes.CDLL(str(token.module))
    if how == "sessions closed":
        assert library.C_CloseAllSessions(ctypes.c_ulong(slot)) == 0
    else:
        session = ctypes.c_ulong()
        serial = ctypes.c_ulong(4)  # CKF_SERIAL_SESSION
        assert library.C_OpenSession(ctypes.c_ulong(slot), serial, None, None, ctypes.byref(session)) == 0
        assert library.C_Logout(session) == 0


@pytest.mark.parametrize("how", ["sessions closed", "logged out"])
def test_after_the_token_forgot_us_it_is_logged_in_again(workshop: Workshop, token: Token, how: str) -> None:
    key = on_token(workshop, token, ECDSA)
    slot = token_library(token.module).get_token(token_label=LABEL).slot.slot_id
    for _ in range(2):
        forget_us(token, how, slot)
        with ThreadPoolExecutor(4) as pool:
            for signature in pool.map(key.sign, [b"again"] * 8):
                check(key, b"again", signature)


def test_two_seals_on_one_token_share_its_login(workshop: Workshop, token: Token) -> None:
    keys = [on_token(workshop, token, algorithm) for algorithm in PDF_ALGORITHMS]
    for key in keys:
        check(key, b"both", key.sign(b"both"))


def loadable(workshop: Workshop, token: Token) -> tuple[TokenUri, IssuedKey]:
    made = issued(workshop, ECDSA)
    return parse_token_uri(token.take(made, PASSPHRASE)), made


def test_another_keys_certificate_is_refused(workshop: Workshop, token: Token) -> None:
    uri, _ = loadable(workshop, token)
    with pytest.raises(SignatureError) as refused:
        load_token_key(uri, PIN, issued(workshop, ECDSA).certificate_pem)
    assert refused.value.reason == "key-mismatch"


def test_a_key_that_is_not_there_is_told(workshop: Workshop, token: Token) -> None:
    uri, made = loadable(workshop, token)
    for text in (uri.text.replace("object=", "object=no"), uri.text.replace(LABEL, "nowhere")):
        with pytest.raises(SignatureError) as refused:
            load_token_key(parse_token_uri(text), PIN, made.certificate_pem)
        assert refused.value.reason == "key-unreadable"


def test_a_library_that_is_none_is_told(workshop: Workshop, token: Token, tmp_path: Path) -> None:
    uri, made = loadable(workshop, token)
    nothing = tmp_path / "nothing.so"
    nothing.write_bytes(b"no library")
    other = parse_token_uri(uri.text.replace(str(token.module), str(nothing)))
    with pytest.raises(Unavailable):
        load_token_key(other, PIN, made.certificate_pem)


def test_a_key_that_could_be_taken_off_its_token_is_refused(workshop: Workshop, token: Token) -> None:
    on_token(workshop, token, ECDSA)  # logs in
    _, made = loadable(workshop, token)
    label = f"loose-{secrets.token_hex(4)}"
    with token_library(token.module).get_token(token_label=LABEL).open(rw=True) as session:
        session.generate_keypair(
            KeyType.RSA,
            2048,
            label=label,
            store=True,
            private_template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False},
        )
    text = f"pkcs11:token={LABEL};object={label}?module-path={token.module}"
    with pytest.raises(SignatureError) as refused:
        load_token_key(parse_token_uri(text), PIN, made.certificate_pem)
    assert refused.value.reason == "key-unsuitable"


def test_the_certificate_beside_the_key_is_found(workshop: Workshop, token: Token) -> None:
    uri, made = loadable(workshop, token)
    assert token_certificate(uri, PIN) is None
    der = x509.load_pem_x509_certificate(made.certificate_pem)
    with token_library(token.module).get_token(token_label=LABEL).open(rw=True) as session:
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.CERTIFICATE,
                Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                Attribute.TOKEN: True,
                Attribute.LABEL: uri.key_label,
                Attribute.SUBJECT: der.subject.public_bytes(),
                Attribute.VALUE: der.public_bytes(Encoding.DER),
            }
        )
    assert token_certificate(uri, PIN) == made.certificate_pem


def test_a_wrong_pin_is_tried_once_and_never_again(workshop: Workshop, token: Token) -> None:
    """In a process of its own: in this one somebody is logged in, and no PIN is asked for."""
    uri, _ = loadable(workshop, token)
    done = subprocess.run(
        [sys.executable, "-c", STUBBORN, uri.text, PIN], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "still open"
