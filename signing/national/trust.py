"""What is believed of national seals. Handed in as a value; nothing is looked up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from signing.judge.revocation import RevocationKnowledge
from signing.national.certificates import NationalCertificate

CRL_MAX_BYTES = 32 << 20  # a city's authority has revoked thousands, at 40 bytes each; a million is 40 MB
CRLS_MAX = 100


@dataclass(frozen=True, slots=True)
class NationalTrust:
    """The roots that SM2 chains must lead to, and the CRLs that are at hand; all DER.

    `between`: authorities below the roots, which neither seals nor their signatures carry.
    `revocation_required`: a certificate of which no CRL speaks is undecided (TRY_LATER).
    """

    roots: tuple[bytes, ...] = field(repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)
    revocation_required: bool = False
    between: tuple[bytes, ...] = field(default=(), repr=False)

    def knowledge(self) -> RevocationKnowledge:
        """The CRLs as the judge asks them; those that are too many or too long are left out."""
        crls = tuple(crl for crl in self.crls[:CRLS_MAX] if len(crl) <= CRL_MAX_BYTES)
        return RevocationKnowledge(crls=crls, required=self.revocation_required)


def national_trust(certificates: Sequence[NationalCertificate]) -> NationalTrust:
    """What a bundle says: those whose issuer is not in it are the roots, the others stand between."""
    names = {each.subject for each in certificates}
    anchors = [each for each in certificates if each.subject == each.issuer or each.issuer not in names]
    below = [each.der for each in certificates if each not in anchors]
    return NationalTrust(tuple(each.der for each in anchors), between=tuple(below))
