"""A token's library (PKCS#11, OASIS v2.40), started so that threads may share it.

python-pkcs11 starts one with `C_Initialize(NULL)`, by which a program promises never to call it from two
threads at once (clause 5.4). A server does: this asks for locking instead.
"""

import ctypes
from functools import cache
from pathlib import Path

from pkcs11 import PKCS11Error, _pkcs11

_CKF_OS_LOCKING_OK = 0x00000002
_CKR_OK = 0x000
_CKR_ALREADY_INITIALIZED = 0x191


class _InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: four callbacks that we leave to the system, flags, a reserved pointer."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("create", "destroy", "lock", "unlock")),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class _ThreadedLibrary(_pkcs11.lib):  # type: ignore[misc,unused-ignore]  # the stub knows no base
    """A token's library, initialised for calls from several threads."""

    def initialize(self) -> None:
        """Asks for the system's locks; a library that cannot have them is refused."""
        arguments = _InitializeArguments(flags=_CKF_OS_LOCKING_OK)
        result = ctypes.CDLL(self.so).C_Initialize(ctypes.byref(arguments))
        if result not in {_CKR_OK, _CKR_ALREADY_INITIALIZED}:
            raise PKCS11Error(f"C_Initialize with locking gives {result:#x}")


@cache
def token_library(path: Path) -> _ThreadedLibrary:
    """The library at this path, loaded once in this process.

    Raises:
        PKCS11Error: it is no such library, or cannot be called from several threads.
    """
    return _ThreadedLibrary(str(path))
