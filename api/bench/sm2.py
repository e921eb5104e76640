"""SM2 alone, as national seals sign: beside ECDSA on P-256, which PDF seals sign with."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from api.bench.figures import Result, interleaved, over
from api.bench.references import ecdsa_p256
from api.bench.stage import Stage
from signing import sm2
from signing.sm2.engine import chosen_engine

# What a national seal signs, about: TBS_Sign with a seal, its picture and its certificates in it.
_MESSAGE = bytes(8192)
_REFERENCE = "ECDSA P-256 with SHA-256 by cryptography, same message"


def measure_sm2_sign(_on: Stage, seconds: float) -> Result:
    """Hashing and signing, with the key in the engine's memory."""
    key = sm2.generate()
    sign, _ = ecdsa_p256()
    run, reference = interleaved(
        over(lambda message: sm2.sign(key, message), _MESSAGE), over(sign, _MESSAGE), seconds
    )
    return Result("sm2_sign", _what("signatures"), run, _REFERENCE, reference)


def measure_sm2_verify(_on: Stage, seconds: float) -> Result:
    """Hashing and verifying, by a key that was seen before."""
    key = sm2.generate()
    signature = sm2.sign(key, _MESSAGE)
    sign, verify = ecdsa_p256()
    other = sign(_MESSAGE)
    run, reference = interleaved(
        over(lambda message: sm2.verify(key.public_key, message, signature), _MESSAGE),
        over(lambda message: verify(message, other), _MESSAGE),
        seconds,
    )
    return Result("sm2_verify", _what("verifications"), run, _REFERENCE, reference)


MEASUREMENTS: Final[Mapping[str, Callable[[Stage, float], Result]]] = MappingProxyType(
    {"sm2_sign": measure_sm2_sign, "sm2_verify": measure_sm2_verify}
)


def _what(pieces: str) -> str:
    return f"SM2 {pieces} with SM3 over {len(_MESSAGE)} bytes by {chosen_engine().name}, one core"
