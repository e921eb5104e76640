"""What the judge believes: roots and the authorities' seals. Handed in as a value; nothing is looked up."""

from dataclasses import dataclass, field
from datetime import datetime

from signing.judge.revocation import NOTHING, RevocationKnowledge


@dataclass(frozen=True, slots=True)
class ListedSeal:
    """One line of a seal list: whose seal has this certificate, and from when until when it is in use.

    `certificate_sha256`: hex, of its DER; `until` None: still in use.
    """

    certificate_sha256: str
    authority: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything that a verdict rests on beside the file and the time.

    `roots`: DER certificates that seals and time-stamps must lead to. `seals`: every seal of every issuing
    authority; None where no list is at hand (V9 is then left open). `knowledge`: answers on revocation that
    are at hand beside those in the file. `national`: roots by SM2, and the authorities below them, since a
    national seal carries no issuers; such may stand among `roots`, too. `national_crls`: of these.
    """

    roots: tuple[bytes, ...] = field(repr=False)
    seals: tuple[ListedSeal, ...] | None = field(default=None, repr=False)
    knowledge: RevocationKnowledge = field(default=NOTHING, repr=False)
    national: tuple[bytes, ...] = field(default=(), repr=False)
    national_crls: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RecordedSignatures:
    """What the vault's record says of a file that claims to be one of ours (V10).

    `authority`: who issued it. `signatures`: each field's name with the SHA-256 (hex) of its signer's
    certificate, oldest first; None where the record is older than such lists.
    """

    authority: str
    signatures: tuple[tuple[str, str], ...] | None = None
