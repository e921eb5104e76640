"""PostgreSQL and SeaweedFS from wheels, for laptops, demonstrations and tests (extra `[embedded]`).

The same engines as in production, started as child processes and stopped with the caller. Linux only:
processes are found through /proc.
"""

from storage.embedded.engines import EngineAddresses, discard, embedded_engines
from storage.embedded.placement import postgres_program

__all__ = ["EngineAddresses", "discard", "embedded_engines", "postgres_program"]
