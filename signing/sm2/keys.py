"""SM2 keys as the rest of the project holds them."""

from typing import NoReturn, final

from signing.sm2 import engine
from signing.sm2.engine import EngineKey


@final
class PrivateKey:
    """An opaque SM2 key: it signs (`signing.sm2.sign`), shows its public half, and cannot be copied."""

    __slots__ = ("engine_key", "public_key")

    def __init__(self, engine_key: EngineKey) -> None:
        self.engine_key = engine_key
        self.public_key: bytes = engine_key.public_key
        """65 octets: 04‖x‖y."""

    def __repr__(self) -> str:
        return "PrivateKey()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an SM2 key is neither copied nor pickled")


def generate() -> PrivateKey:
    """A new key from the engine's random source."""
    return PrivateKey(engine.chosen_engine().generate())
