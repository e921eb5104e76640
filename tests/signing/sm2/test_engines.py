"""Which engine computes, and that it leaves nothing behind."""

import ctypes
import gc
import subprocess
import sys

import pytest

from signing import sm2
from signing.sm2 import engine, libcrypto
from signing.sm2.value import write_value
from tests.signing.sm2.test_signatures import MESSAGE, PUBLIC_KEY, RAW
from vault.errors import SignatureError


@pytest.fixture(autouse=True)
def chosen_anew() -> None:
    """Forget what was chosen, before each test; the next use chooses again."""
    engine.chosen_engine.cache_clear()


def test_libcrypto_comes_first_then_gmssl_then_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.chosen_engine().name == "libcrypto"
    engine.chosen_engine.cache_clear()
    monkeypatch.setattr(libcrypto, "open_engine", lambda: None)
    assert engine.chosen_engine().name == "gmssl"
    engine.chosen_engine.cache_clear()
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)  # as where it is not installed
    with pytest.raises(SignatureError, match="neither is at hand") as caught:
        sm2.generate()
    assert caught.value.reason == "CRYPTO_CONSTRAINTS_FAILURE"
    engine.chosen_engine.cache_clear()


def test_a_libcrypto_that_cannot_do_it_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    libm = ctypes.CDLL("libm.so.6")  # has none of the functions, as an older one lacks some
    monkeypatch.setattr(libcrypto, "_libraries", lambda: iter([libm]))
    assert libcrypto.open_engine() is None


def test_one_that_computes_something_else_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def hashes_once_more(
        self: libcrypto.Libcrypto, public_key: bytes, digest: bytes, signature: bytes
    ) -> None:
        real(self, public_key, sm2.sm3(digest), signature)

    real = libcrypto.Libcrypto.check_digest
    monkeypatch.setattr(libcrypto.Libcrypto, "check_digest", hashes_once_more)
    assert engine.chosen_engine().name == "gmssl"
    engine.chosen_engine.cache_clear()


def test_one_that_was_built_without_sm2_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto, "_ALGORITHM", b"SM2-that-nobody-has")
    assert libcrypto.open_engine() is None


def test_nothing_is_loaded_on_import() -> None:
    script = (
        "import sys; from signing import sm2; from signing.sm2 import engine;"
        " assert 'gmssl_pyx' not in sys.modules; assert 'signing.sm2.libcrypto' not in sys.modules;"
        " assert engine.chosen_engine.cache_info().currsize == 0"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_a_key_is_freed_once_with_its_last_reference() -> None:
    freed: list[int] = []
    handle = libcrypto._Handle(4711, freed.append)  # noqa: SLF001 - what keeps libcrypto's memory
    another = handle
    del handle
    gc.collect()
    assert freed == []
    del another
    gc.collect()
    assert freed == [4711]


def test_no_error_stays_behind_for_pythons_own_ssl() -> None:
    found = libcrypto.open_engine()
    assert found is not None
    peek = found.functions.ERR_peek_error
    peek.restype = ctypes.c_ulong
    bad = [
        (PUBLIC_KEY, bytes(32), write_value(1, 1)),
        (PUBLIC_KEY, b"too short", RAW),
        (PUBLIC_KEY, bytes(32), b"no DER"),
        (b"\x04" + bytes(64), bytes(32), RAW),
    ]
    for public_key, digest, signature in bad:
        with pytest.raises(SignatureError):
            found.check_digest(public_key, digest, signature)
        assert peek() == 0
    sm2.verify(PUBLIC_KEY, MESSAGE, RAW)
