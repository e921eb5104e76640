"""Sealing keys on a token (PKCS#11, OASIS v2.40): they sign inside it and never leave it."""

import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import BoundedSemaphore, Lock
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass, PKCS11Error
from pkcs11.exceptions import (
    MultipleObjectsReturned,
    MultipleTokensReturned,
    NoSuchKey,
    NoSuchToken,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    UserAlreadyLoggedIn,
)

from signing.keys import (
    ECDSA_SIGNATURE_MAX_BYTES,
    PSS_SALT_BYTES,
    SignatureAlgorithm,
    SignedBytes,
    check_chain,
    check_signature,
    chosen_algorithm,
    usual_algorithm,
)
from signing.token_library import token_library
from signing.token_uri import TokenUri
from vault.errors import SignatureError, Unavailable

# Sessions that one process opens for one key; more seals at once than that wait for each other.
SESSIONS_MAX = 8
# A token that keeps all sessions busy for longer does not answer.
SESSION_WAIT_S = 5.0
TRIAL_BYTES = 32

_PIN_REFUSED = (PinIncorrect, PinInvalid, PinLocked, PinExpired, PinLenRange)
_NOT_THERE = (NoSuchToken, NoSuchKey, MultipleTokensReturned, MultipleObjectsReturned)


class _KeyObject(Protocol):
    """A private key as python-pkcs11 gives it, bound to one session."""

    def sign(self, data: bytes, **how: Any) -> bytes: ...  # noqa: ANN401 - mechanism parameters vary

    def __getitem__(self, attribute: Attribute) -> Any: ...  # noqa: ANN401 - attributes vary


class _Token:
    """One key on one token: a login, and a pool of sessions that each hold the key's object."""

    def __init__(self, uri: TokenUri, pin: str) -> None:
        self._uri = uri
        self._pin = pin
        self._permits = BoundedSemaphore(SESSIONS_MAX)
        self._lock = Lock()
        self._generation = 0
        self._idle: deque[tuple[int, _KeyObject]] = deque()
        self._keeper: object = None
        self._token: Any = None
        self._pin_refused = False

    @contextmanager
    def key(self) -> Iterator[_KeyObject]:
        """The key's object in a session that nobody else uses; after an error the session is dropped.

        Raises:
            PKCS11Error: the token does not let it be used.
            Unavailable: every session is busy.
        """
        if not self._permits.acquire(timeout=SESSION_WAIT_S):
            raise Unavailable("The seal's token is busy; try again shortly.")
        try:
            with self._lock:
                if self._token is None:
                    self._log_in()
                generation = self._generation
                found = self._idle.pop()[1] if self._idle else None
            if found is None:
                found = self._find()
            yield found
            with self._lock:
                if generation == self._generation:
                    self._idle.append((generation, found))
        finally:
            self._permits.release()

    def start_anew(self) -> None:
        """Forgets every session: the next use logs in again."""
        with self._lock:
            self._generation += 1
            self._idle.clear()
            self._token = None

    def _log_in(self) -> None:
        """Logs in once for all sessions of this process (clause 5.6: the login state is the application's).

        The session that did is kept: closing it would log every other one out. A PIN that was refused is not
        tried again: three wrong ones lock a token.
        """
        if self._pin_refused:
            raise PinIncorrect
        token = token_library(self._uri.module).get_token(
            token_label=self._uri.token_label,
            token_serial=None if self._uri.token_serial is None else self._uri.token_serial.encode(),
        )
        try:
            self._keeper = token.open(user_pin=self._pin)
        except UserAlreadyLoggedIn:  # for another seal on the same token
            self._keeper = token.open()
        except _PIN_REFUSED:
            self._pin_refused = True
            raise
        self._token = token

    def _find(self) -> _KeyObject:
        token = self._token
        if token is None:  # another thread is starting anew
            raise PKCS11Error("the token was lost")
        found: _KeyObject = token.open().get_key(
            object_class=ObjectClass.PRIVATE_KEY, label=self._uri.key_label, id=self._uri.key_id
        )
        return found


class TokenSealingKey:
    """A key that stays on its token. Thread-safe; equal to itself only, as a prepared seal keeps it."""

    def __init__(
        self, token: _Token, algorithm: SignatureAlgorithm, chain: tuple[bytes, ...], size_max_bytes: int
    ) -> None:
        self._token = token
        self._algorithm = algorithm
        self._chain = chain
        self._size_max_bytes = size_max_bytes

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How `sign` signs."""
        return self._algorithm

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""
        return self._chain[0]

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuers' certificates, DER, nearest first."""
        return self._chain[1:]

    @property
    def signature_size_max_bytes(self) -> int:
        """The longest value that `sign` returns."""
        return self._size_max_bytes

    def sign(self, message: bytes) -> bytes:
        """Hash and sign: a DER ECDSA value (RFC 3279, clause 2.2.3) or an RSA block.

        After an error of the token (a session lost, a login ended, a device reset) it logs in again and tries
        once more.

        Raises:
            Unavailable: the token does not sign, twice.
        """
        try:
            return self._signed(message)
        except _PIN_REFUSED as error:
            raise _no_answer(error) from error
        except PKCS11Error:
            self._token.start_anew()
        try:
            return self._signed(message)
        except PKCS11Error as error:
            raise _no_answer(error) from error

    def _signed(self, message: bytes) -> bytes:
        with self._token.key() as key:
            if self._algorithm is SignatureAlgorithm.ECDSA_P256_SHA256:
                # Hashed here: tokens as old as SoftHSM 2.6 know no ECDSA with a hash.
                raw = key.sign(sha256(message).digest(), mechanism=Mechanism.ECDSA)
                half = len(raw) // 2
                return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
            if self._algorithm is SignatureAlgorithm.RSA_PSS_SHA256:
                parameters = (Mechanism.SHA256, MGF.SHA256, PSS_SALT_BYTES)
                return key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=parameters)
            return key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS)


def load_token_key(
    uri: TokenUri, pin: str, certificate_pem: bytes, *, algorithm: SignatureAlgorithm | None = None
) -> TokenSealingKey:
    """Log in to a token, find the key, and check by a trial that the certificates fit it.

    `certificate_pem` and `algorithm`: as `signing.keys.load_file_key`.

    Raises:
        SignatureError: the token or the key is not there, the PIN is refused, or the certificates cannot be
            read (`key-unreadable`); the key could leave the token (`key-unsuitable`); or it is not the
            certificate's (`key-mismatch`).
        Unavailable: the token does not answer.
    """
    try:
        first, *issuers = x509.load_pem_x509_certificates(certificate_pem)
    except ValueError as error:
        raise SignatureError("The seal's certificate cannot be read.", reason="key-unreadable") from error
    public = first.public_key()
    chosen = chosen_algorithm(usual_algorithm(public), algorithm)
    check_chain(first, issuers)
    size = (public.key_size + 7) // 8 if isinstance(public, rsa.RSAPublicKey) else ECDSA_SIGNATURE_MAX_BYTES
    token = _Token(uri, pin)
    _check_it_stays(token)
    chain = tuple(certificate.public_bytes(Encoding.DER) for certificate in (first, *issuers))
    key = TokenSealingKey(token, chosen, chain, size)
    trial = secrets.token_bytes(TRIAL_BYTES)
    check_signature(first, chosen, SignedBytes(trial, key.sign(trial)))
    return key


def token_certificate(uri: TokenUri, pin: str) -> bytes | None:
    """The certificate that lies on the token beside the key, PEM; None where there is none.

    Raises:
        SignatureError, Unavailable: as `load_token_key`.
    """
    token = _Token(uri, pin)
    with _told(), token.key() as key:
        session: Any = getattr(key, "session")  # noqa: B009 - the protocol has no place for it
        wanted: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.CERTIFICATE}
        if uri.key_id is not None:
            wanted[Attribute.ID] = uri.key_id
        if uri.key_label is not None:
            wanted[Attribute.LABEL] = uri.key_label
        found = [bytes(item[Attribute.VALUE]) for item in session.get_objects(wanted)]
    if len(found) != 1:
        return None
    return x509.load_der_x509_certificate(found[0]).public_bytes(Encoding.PEM)


def _check_it_stays(token: _Token) -> None:
    with _told(), token.key() as key:
        stays = key[Attribute.SENSITIVE] and not key[Attribute.EXTRACTABLE]
    if not stays:
        raise SignatureError(
            "The key could be taken off its token: a seal's key has to be sensitive and not extractable.",
            reason="key-unsuitable",
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _PIN_REFUSED as error:
        raise SignatureError("The token refuses the PIN.", reason="key-unreadable") from error
    except _NOT_THERE as error:
        raise SignatureError(
            "The URI names no token with such a key, or more than one.", reason="key-unreadable"
        ) from error
    except PKCS11Error as error:
        raise _no_answer(error) from error


def _no_answer(error: PKCS11Error) -> Unavailable:
    return Unavailable(f"The seal's token does not answer ({type(error).__name__}).")
