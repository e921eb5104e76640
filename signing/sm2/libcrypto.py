"""SM2 by OpenSSL's libcrypto, 3.0 or newer, called through ctypes (which lets go of the GIL for each call).

No Python package offers libcrypto's SM2. Only documented functions of its public interface are used; contexts
live for one call, keys are shared by threads and never changed (OpenSSL, openssl-threads(7)).
"""

import ctypes
import importlib.util
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from signing.sm2.curve import FIELD_BYTES, PUBLIC_KEY_BYTES
from signing.sm2.engine import incapable, rejected
from signing.sm2.value import SIGNATURE_MAX_BYTES
from vault.errors import SignatureError

_ALGORITHM = b"SM2"
_VERSION_MIN = 0x30000000  # the first with EVP_PKEY_fromdata
_NID_SM2 = 1172  # obj_mac.h; numbers there are never given to another object
_SELECT_PUBLIC = 0x02 | 0x84  # EVP_PKEY_PUBLIC_KEY: the public half and all parameters
_SELECT_PAIR = 0x01 | _SELECT_PUBLIC  # EVP_PKEY_KEYPAIR
_UNSIGNED_INTEGER, _UTF8_STRING, _OCTET_STRING = 2, 4, 5  # OSSL_PARAM(3)
_UNCOMPRESSED = 4  # POINT_CONVERSION_UNCOMPRESSED
_PUBLIC_KEYS_MAX = 64  # verifying keys that stay open: authorities and signers of the day, about 1 kB each

_Pointer = ctypes.c_void_p
_Size = ctypes.c_size_t
_Int = ctypes.c_int
_Octets = ctypes.c_char_p

# name: what it returns, what it takes
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenSSL_version_num": (ctypes.c_ulong, ()),
    "ERR_clear_error": (None, ()),
    "BN_bin2bn": (_Pointer, (_Pointer, _Int, _Pointer)),
    "BN_bn2binpad": (_Int, (_Pointer, _Pointer, _Int)),
    "BN_clear_free": (None, (_Pointer,)),
    "EC_GROUP_new_by_curve_name": (_Pointer, (_Int,)),
    "EC_GROUP_free": (None, (_Pointer,)),
    "EC_POINT_new": (_Pointer, (_Pointer,)),
    "EC_POINT_clear_free": (None, (_Pointer,)),
    "EC_POINT_mul": (_Int, (_Pointer,) * 6),
    "EC_POINT_point2oct": (_Size, (_Pointer, _Pointer, _Int, _Pointer, _Size, _Pointer)),
    "EVP_PKEY_CTX_new": (_Pointer, (_Pointer, _Pointer)),
    "EVP_PKEY_CTX_new_from_name": (_Pointer, (_Pointer, _Octets, _Octets)),
    "EVP_PKEY_CTX_free": (None, (_Pointer,)),
    "EVP_PKEY_fromdata_init": (_Int, (_Pointer,)),
    "EVP_PKEY_fromdata": (_Int, (_Pointer, _Pointer, _Int, _Pointer)),
    "EVP_PKEY_keygen_init": (_Int, (_Pointer,)),
    "EVP_PKEY_generate": (_Int, (_Pointer, _Pointer)),
    "EVP_PKEY_get_octet_string_param": (_Int, (_Pointer, _Octets, _Pointer, _Size, _Pointer)),
    "EVP_PKEY_get_bn_param": (_Int, (_Pointer, _Octets, _Pointer)),
    "EVP_PKEY_free": (None, (_Pointer,)),
    "EVP_PKEY_sign_init": (_Int, (_Pointer,)),
    "EVP_PKEY_sign": (_Int, (_Pointer, _Pointer, _Pointer, _Octets, _Size)),
    "EVP_PKEY_verify_init": (_Int, (_Pointer,)),
    "EVP_PKEY_verify": (_Int, (_Pointer, _Octets, _Size, _Octets, _Size)),
}

# Where libcrypto may be beside the one that Python's own hashlib uses
_NAMES = ("libcrypto.so.4", "libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll")


class _Parameter(ctypes.Structure):
    """OSSL_PARAM: what a key is made of, an array that an entry of zeros ends."""

    _fields_ = (
        ("key", ctypes.c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", ctypes.c_void_p),
        ("data_size", ctypes.c_size_t),
        ("return_size", ctypes.c_size_t),
    )


def open_engine() -> "Libcrypto | None":
    """The first libcrypto at hand that has SM2; None where there is none.

    First the one that Python's hashlib is linked with: it is in memory already, and the one that is updated.
    """
    for library in _libraries():
        try:
            functions = _declared(library)
            if functions.OpenSSL_version_num() >= _VERSION_MIN:
                return Libcrypto(functions)
        except (AttributeError, SignatureError):  # an older one, or one that was built without SM2
            continue
    return None


def _libraries() -> Iterator[ctypes.CDLL]:
    # Its file names Python's own libcrypto; Python may have been built with none, or with one inside
    own = importlib.util.find_spec("_hashlib")
    for name in (own.origin if own is not None and own.has_location else None, *_NAMES):
        if name is not None:
            try:
                yield ctypes.CDLL(name)
            except OSError:
                continue


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class _Handle:
    """Something of libcrypto's, freed with its last reference; private numbers are overwritten by that."""

    def __init__(self, pointer: int, free: Any) -> None:  # noqa: ANN401 - ctypes types no functions
        self.pointer = pointer
        # Not at exit: other threads may still sign then, and the process's memory goes as a whole
        weakref.finalize(self, free, pointer).atexit = False


class Libcrypto:
    """libcrypto as an engine."""

    name = "libcrypto"

    def __init__(self, functions: ctypes.CDLL) -> None:
        """Takes a declared library.

        Raises:
            SignatureError: it has no SM2 (`CRYPTO_CONSTRAINTS_FAILURE`).
        """
        self.functions = functions
        with self._context("EVP_PKEY_CTX_new_from_name", None, _ALGORITHM, None):
            pass
        self.public_key_handle = lru_cache(maxsize=_PUBLIC_KEYS_MAX)(self._public_key_handle)

    def generate(self) -> "LibcryptoKey":
        """A new key, in [1, n-2]."""
        made = _Pointer()
        with self._context("EVP_PKEY_CTX_new_from_name", None, _ALGORITHM, None) as context:
            self._check(self.functions.EVP_PKEY_keygen_init(context))
            self._check(self.functions.EVP_PKEY_generate(context, ctypes.byref(made)))
        handle = self._handle(made)
        point = ctypes.create_string_buffer(PUBLIC_KEY_BYTES)
        self._check(
            self.functions.EVP_PKEY_get_octet_string_param(
                handle.pointer, b"pub", point, PUBLIC_KEY_BYTES, None
            )
        )
        return LibcryptoKey(self, handle, point.raw)

    def open_key(self, scalar: bytes | bytearray) -> "LibcryptoKey":
        """The key of this scalar, 32 octets, in [1, n-2]."""
        public_key = self._point_of(scalar)
        native = bytearray(
            scalar if sys.byteorder == "big" else reversed(scalar)
        )  # as OSSL_PARAM has integers
        number = (ctypes.c_char * FIELD_BYTES).from_buffer(native)
        try:
            handle = self._key_of(
                (
                    (b"group", _UTF8_STRING, _ALGORITHM),
                    (b"pub", _OCTET_STRING, public_key),
                    (b"priv", _UNSIGNED_INTEGER, number),
                ),
                _SELECT_PAIR,
            )
        finally:
            ctypes.memset(number, 0, FIELD_BYTES)
        return LibcryptoKey(self, handle, public_key)

    def check_digest(self, public_key: bytes, digest: bytes, signature: bytes) -> None:
        """Returns where the DER signature of e holds by this point of the curve.

        Raises:
            SignatureError: it does not (`SIG_CRYPTO_FAILURE`).
        """
        handle = self.public_key_handle(public_key)
        with self._context("EVP_PKEY_CTX_new", handle.pointer, None) as context:
            self._check(self.functions.EVP_PKEY_verify_init(context))
            held = self.functions.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))
        if held != 1:
            self.functions.ERR_clear_error()
            raise rejected()

    def sign_digest(self, handle: _Handle, digest: bytes) -> bytes:
        """The DER signature of e by an open key."""
        value = ctypes.create_string_buffer(SIGNATURE_MAX_BYTES)
        size = _Size(SIGNATURE_MAX_BYTES)
        with self._context("EVP_PKEY_CTX_new", handle.pointer, None) as context:
            self._check(self.functions.EVP_PKEY_sign_init(context))
            self._check(self.functions.EVP_PKEY_sign(context, value, ctypes.byref(size), digest, len(digest)))
        return value.raw[: size.value]

    def scalar(self, handle: _Handle) -> bytearray:
        """The private key of an open key, 32 octets."""
        number = _Pointer()
        self._check(self.functions.EVP_PKEY_get_bn_param(handle.pointer, b"priv", ctypes.byref(number)))
        octets = bytearray(FIELD_BYTES)
        try:
            written = (ctypes.c_char * FIELD_BYTES).from_buffer(octets)
            self._check(self.functions.BN_bn2binpad(number, written, FIELD_BYTES) == FIELD_BYTES)
        finally:
            self.functions.BN_clear_free(number)
        return octets

    def _public_key_handle(self, public_key: bytes) -> _Handle:
        parts = ((b"group", _UTF8_STRING, _ALGORITHM), (b"pub", _OCTET_STRING, public_key))
        return self._key_of(parts, _SELECT_PUBLIC)

    def _key_of(self, parts: Sequence[tuple[bytes, int, Any]], selection: int) -> _Handle:
        """A key from its parts (EVP_PKEY_fromdata)."""
        parameters = (_Parameter * (len(parts) + 1))()
        for parameter, (name, kind, octets) in zip(parameters, parts, strict=False):
            parameter.key, parameter.data_type = name, kind
            parameter.data, parameter.data_size = ctypes.cast(octets, _Pointer), len(octets)
        made = _Pointer()
        with self._context("EVP_PKEY_CTX_new_from_name", None, _ALGORITHM, None) as context:
            self._check(self.functions.EVP_PKEY_fromdata_init(context))
            self._check(self.functions.EVP_PKEY_fromdata(context, ctypes.byref(made), selection, parameters))
        return self._handle(made)

    def _point_of(self, scalar: bytes | bytearray) -> bytes:
        """The public key of a private one: fromdata does not compute it."""
        made = self.functions
        octets = (ctypes.c_char * FIELD_BYTES).from_buffer(bytearray(scalar))
        number = made.BN_bin2bn(octets, FIELD_BYTES, None)
        ctypes.memset(octets, 0, FIELD_BYTES)
        group = made.EC_GROUP_new_by_curve_name(_NID_SM2)
        point = made.EC_POINT_new(group) if group else None
        out = ctypes.create_string_buffer(PUBLIC_KEY_BYTES)
        try:
            self._check(number and group and point)
            self._check(made.EC_POINT_mul(group, point, number, None, None, None))
            size = made.EC_POINT_point2oct(group, point, _UNCOMPRESSED, out, PUBLIC_KEY_BYTES, None)
            self._check(size == PUBLIC_KEY_BYTES)
        finally:
            made.EC_POINT_clear_free(point)
            made.EC_GROUP_free(group)
            made.BN_clear_free(number)
        return out.raw

    @contextmanager
    def _context(self, maker: str, *arguments: object) -> Iterator[int]:
        context = getattr(self.functions, maker)(*arguments)
        self._check(context)
        try:
            yield context
        finally:
            self.functions.EVP_PKEY_CTX_free(context)

    def _handle(self, made: ctypes.c_void_p) -> _Handle:
        self._check(made.value)
        return _Handle(int(made.value or 0), self.functions.EVP_PKEY_free)

    def _check(self, result: int | None) -> None:
        """Functions give 1 or a pointer; on this thread no error may stay behind for Python's own ssl."""
        if not result or result < 0:
            self.functions.ERR_clear_error()
            raise incapable("libcrypto cannot compute with this SM2 key.")


class LibcryptoKey:
    """A private key in libcrypto's memory."""

    def __init__(self, engine: Libcrypto, handle: _Handle, public_key: bytes) -> None:
        self._engine = engine
        self._handle = handle
        self.public_key = public_key

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign e, 32 octets; DER."""
        return self._engine.sign_digest(self._handle, digest)

    def scalar(self) -> bytearray:
        """The private key, 32 octets; the caller overwrites them after use."""
        return self._engine.scalar(self._handle)
