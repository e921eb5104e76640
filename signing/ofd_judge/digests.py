"""O5: every file that a signature lists has the SM3 that stands there; nothing weaker is taken."""

from dataclasses import dataclass, field

from signing.judge.findings import SubIndication, failure
from signing.ofd_judge.declared import Listed
from signing.ofd_judge.names import shown
from signing.ofd_judge.package import Package
from signing.sm2 import sm3

# The standard's own list has MD5 (its default) and SHA1; practice writes the OID of SM3, or its name.
SM3_NAMES = frozenset({"1.2.156.10197.1.401", "SM3"})
_KEYED = "1.2.156.10197.1.401.2"  # SM3 with a key: whoever has the key makes any digest fit
SM3_BYTES = 32


@dataclass(frozen=True, slots=True)
class Digests:
    """The SM3 of a package's files, each taken once for all signatures."""

    package: Package = field(repr=False)
    taken: dict[str, bytes] = field(default_factory=dict, repr=False)

    def of(self, name: str) -> bytes:
        """Of one file, by its name in the package."""
        if name not in self.taken:
            self.taken[name] = sm3(self.package.files[name])
        return self.taken[name]


def check_method(listed: Listed) -> None:
    """The digests are SM3.

    Raises:
        SignatureError: CRYPTO_CONSTRAINTS_FAILURE: MD5, SHA-1, unsaid (which is MD5), keyed, or another.
    """
    said = listed.check_method
    if said is not None and said.strip().upper() in SM3_NAMES:
        return
    if said is None:
        why = "The signature does not say how its digests are made, which by the standard means MD5."
    elif said.strip() == _KEYED:
        why = "The signature's digests are keyed: whoever has the key makes any file fit."
    else:
        why = f"The signature's digests are by {shown(said.strip())}; SM3 is taken."
    raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, why)


def check_digests(digests: Digests, listed: Listed) -> int:
    """How many files it lists, each there and with the SM3 that stands there.

    Raises:
        SignatureError: HASH_FAILURE: one is another than was signed, or is gone.
    """
    for reference in listed.references:
        if reference.path is None:
            raise failure(
                SubIndication.HASH_FAILURE,
                f"A file that was signed is not in the package: {shown(reference.location)}.",
            )
        if reference.check_value != digests.of(reference.path):
            raise failure(
                SubIndication.HASH_FAILURE, f"{shown(reference.path)} is another file than was signed."
            )
    return len(listed.references)
