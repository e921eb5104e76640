"""SM2 signatures: the standard's example, another's signatures, and what must not pass."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import sm2
from signing.sm2.curve import ORDER, PRIME, check_point
from signing.sm2.engine import Engine
from signing.sm2.message import message_digest
from signing.sm2.value import read_value, write_value
from tests.signing.sm2.conftest import opened
from vault.errors import SignatureError

# GB/T 32918.5-2017, annex A.2: the example on the recommended curve, with the standard user id
MESSAGE = b"message digest"
SCALAR = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC_KEY = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
DIGEST = bytes.fromhex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
RAW = R.to_bytes(32, "big") + S.to_bytes(32, "big")
DISTID = "distid:1234567812345678"


@pytest.mark.parametrize("signature", [RAW, write_value(R, S)], ids=["raw", "der"])
@pytest.mark.usefixtures("sm2_engine")
def test_the_standards_example_verifies(signature: bytes) -> None:
    assert message_digest(PUBLIC_KEY, MESSAGE) == DIGEST
    sm2.verify(PUBLIC_KEY, MESSAGE, signature)


def test_the_standards_key_has_the_standards_public_half_and_signs(sm2_engine: Engine) -> None:
    key = sm2_engine.open_key(SCALAR)
    assert key.public_key == PUBLIC_KEY
    assert key.scalar() == SCALAR
    sm2.verify(PUBLIC_KEY, MESSAGE, sm2.sign(sm2.PrivateKey(key), MESSAGE))


@pytest.mark.parametrize("other", ["libcrypto", "gmssl"])
def test_either_engine_verifies_what_the_other_signs(sm2_engine: Engine, other: str) -> None:
    key = sm2.PrivateKey(opened(other).generate())
    for size in (0, 1, 63, 64, 70_000):
        message = bytes(size)
        signature = sm2.sign(key, message)
        sm2.verify(key.public_key, message, signature)
        assert write_value(*read_value(signature)) == signature
    assert sm2_engine.open_key(key.engine_key.scalar()).public_key == key.public_key


@pytest.mark.usefixtures("sm2_engine")
def test_a_message_is_signed_anew_each_time() -> None:
    key = sm2.generate()
    values = {read_value(sm2.sign(key, MESSAGE))[0] for _ in range(8)}
    assert len(values) == 8, "a nonce that comes twice gives the key away"


@pytest.mark.usefixtures("sm2_engine")
def test_a_change_anywhere_breaks_the_signature() -> None:
    key, another = sm2.generate(), sm2.generate()
    signature = sm2.sign(key, MESSAGE)
    r, s = read_value(signature)
    changed = [
        (key.public_key, MESSAGE + b"\0", signature),
        (key.public_key, b"", signature),
        (another.public_key, MESSAGE, signature),
        (key.public_key, MESSAGE, write_value(r ^ 1, s)),
        (key.public_key, MESSAGE, write_value(r, s ^ 1)),
        (key.public_key, MESSAGE, write_value(s, r)),
        (key.public_key, MESSAGE, write_value(r, ORDER - s)),
    ]
    for public_key, message, value in changed:
        with pytest.raises(SignatureError, match="does not fit") as caught:
            sm2.verify(public_key, message, value)
        assert caught.value.reason == "SIG_CRYPTO_FAILURE"


DER = write_value(R, S)
BAD_VALUES = {
    "nothing": b"",
    "trailing": DER + b"\0",
    "cut": DER[:-1],
    "raw and one": RAW + b"\0",
    "raw, one short": RAW[:-1],
    "r of zero": write_value(0, S),
    "s of zero": write_value(R, 0),
    "raw zeros": bytes(64),
    "r is the order": write_value(ORDER, S),
    "s is over the order": write_value(R, ORDER + 1),
    "raw over the order": b"\xff" * 64,
    "r negative": bytes.fromhex("30460221") + DER[4:37] + bytes.fromhex("0221") + b"\xff" + DER[-32:],
    "r padded": bytes.fromhex("304702220000") + R.to_bytes(32, "big") + DER[37:],
    "long form of a short length": bytes.fromhex("308146") + DER[2:],
    "three numbers": bytes.fromhex("3009020101020101020101"),
    "padded": bytes.fromhex("300702020001020101"),
    "an empty number": bytes.fromhex("30060200020201ff"),
    "a set": b"\x31" + DER[1:],
    "one number": bytes.fromhex("3023") + DER[2:37],
    "inner length too long": DER[:3] + b"\x7f" + DER[4:],
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES.keys())
@pytest.mark.usefixtures("sm2_engine")
def test_a_malformed_value_is_no_signature(value: bytes) -> None:
    for read in (read_value, partial(sm2.verify, PUBLIC_KEY, MESSAGE)):  # no engine is asked
        with pytest.raises(SignatureError, match=r"neither|out of range") as caught:
            read(value)
        assert caught.value.reason == "SIG_CRYPTO_FAILURE"


@given(st.binary(max_size=80) | st.binary(min_size=64, max_size=64))
def test_a_value_has_one_der_and_one_raw_form(value: bytes) -> None:
    try:
        r, s = read_value(value)
    except SignatureError:
        return
    assert value in {write_value(r, s), r.to_bytes(32, "big") + s.to_bytes(32, "big")}


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_every_pair_in_range_is_written_and_read(r: int, s: int) -> None:
    value = write_value(r, s)
    assert len(value) <= sm2.SIGNATURE_MAX_BYTES
    assert read_value(value) == (r, s)


X, Y = PUBLIC_KEY[1:33], PUBLIC_KEY[33:]
BAD_KEYS = {
    "nothing": b"",
    "without its beginning": X + Y,
    "compressed": b"\x03" + X,
    "hybrid": b"\x07" + X + Y,
    "trailing": PUBLIC_KEY + b"\0",
    "off the curve": b"\x04" + X + Y[:-1] + bytes((Y[-1] ^ 1,)),
    "zeros": b"\x04" + bytes(64),
    "not reduced": b"\x04" + PRIME.to_bytes(32, "big") + Y,
}


@pytest.mark.parametrize("public_key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
@pytest.mark.usefixtures("sm2_engine")
def test_what_is_no_point_of_the_curve_verifies_nothing(public_key: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        sm2.verify(public_key, MESSAGE, RAW)
    assert caught.value.reason == "CRYPTO_CONSTRAINTS_FAILURE"


def test_a_point_of_the_curve_whose_coordinate_is_not_reduced_is_refused() -> None:
    # x = 0 is on the curve with y² = b, where b has a root; 0 + p names the same point a second time
    b = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
    y = pow(b, (PRIME + 1) // 4, PRIME)
    assert y * y % PRIME == b
    check_point(b"\x04" + bytes(32) + y.to_bytes(32, "big"))
    with pytest.raises(SignatureError):
        check_point(b"\x04" + PRIME.to_bytes(32, "big") + y.to_bytes(32, "big"))


@pytest.mark.usefixtures("sm2_engine")
def test_threads_share_a_key() -> None:
    key = sm2.generate()

    def signed_and_verified(n: int) -> None:
        message = n.to_bytes(4, "big") * 100
        sm2.verify(key.public_key, message, sm2.sign(key, message))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(signed_and_verified, range(200)))


@pytest.mark.usefixtures("sm2_engine")
def test_openssl_verifies_what_we_sign(tmp_path: Path) -> None:
    key = sm2.generate()
    (tmp_path / "key.pem").write_bytes(sm2.key_pem(key, b"secret"))
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "signature").write_bytes(sm2.sign(key, MESSAGE))
    openssl(tmp_path, "pkey -in key.pem -passin pass:secret -pubout -out public.pem")
    openssl(tmp_path, f"dgst -sm3 -sigopt {DISTID} -verify public.pem -signature signature message")
    checked = f"pkeyutl -verify -rawin -digest sm3 -pkeyopt {DISTID} -pubin -inkey public.pem"
    openssl(tmp_path, f"{checked} -in message -sigfile signature")
    (tmp_path / "message").write_bytes(MESSAGE + b".")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(tmp_path, f"{checked} -in message -sigfile signature")


@pytest.mark.usefixtures("sm2_engine")
def test_we_verify_what_openssl_signs(tmp_path: Path) -> None:
    openssl(tmp_path, "genpkey -algorithm SM2 -aes-256-cbc -pass pass:secret -out key.pem")
    (tmp_path / "message").write_bytes(MESSAGE)
    signing = f"dgst -sm3 -sigopt {DISTID} -sign key.pem -passin pass:secret -out signature message"
    openssl(tmp_path, signing)
    key = sm2.load_key((tmp_path / "key.pem").read_bytes(), b"secret")
    signature = (tmp_path / "signature").read_bytes()
    sm2.verify(key.public_key, MESSAGE, signature)
    openssl(tmp_path, signing.replace(f"-sigopt {DISTID} ", ""))  # an empty user id: another message
    with pytest.raises(SignatureError):
        sm2.verify(key.public_key, MESSAGE, (tmp_path / "signature").read_bytes())


def openssl(folder: Path, command: str) -> None:
    """Run it there; what it answers must be success."""
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
