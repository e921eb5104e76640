"""The second look: some time after a deposit its objects are read once more.

Object stores acknowledge a write before their disks have it. The read-back in the deposit sees what the
store remembers; this sees what it kept.
"""

from collections.abc import Sequence

from vault.errors import IntegrityError
from vault.workshop import Workshop


def second_look(workshop: Workshop, digests: Sequence[str]) -> int:
    """Reads every object and compares its digest; the number of objects looked at.

    Raises:
        IntegrityError: objects are missing or changed; the sentence names them all.
        Unavailable: the object store does not answer.
    """
    lost = []
    for sha256 in digests:
        try:
            workshop.blobs.read_document(sha256)
        except IntegrityError:
            lost.append(sha256)
    if lost:
        raise IntegrityError(f"{len(lost)} objects are missing or changed: {', '.join(lost)}")
    return len(digests)
