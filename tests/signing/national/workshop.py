"""National certificates in the making, good and bad, for the tests beside this."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from signing import sm2
from signing.national import authority as writing
from signing.national.authority import NationalAuthority, issue_national_certificate, new_national_authority
from signing.national.certificates import NationalCertificate, read_certificate, read_pem
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.national.trust import NationalTrust
from signing.trust import IssuedKey

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSPHRASE = b"a passphrase"
ORGANISATION = "样例市行政审批局"
USCC = "91350100M000100Y43"

CA = x509.BasicConstraints(ca=True, path_length=None)
LEAF = x509.BasicConstraints(ca=False, path_length=None)


@dataclass(frozen=True)
class NationalWorkshop:
    """The development authority and one signer."""

    authority: NationalAuthority
    issued: IssuedKey
    key: NationalSealingKey

    @property
    def root(self) -> NationalCertificate:
        """The root's certificate."""
        return read_pem(self.authority.root.certificate_pem)[0]

    @property
    def issuing(self) -> NationalCertificate:
        """The issuing CA's."""
        return read_pem(self.authority.issuing.certificate_pem)[0]

    @property
    def signer(self) -> NationalCertificate:
        """The signer's."""
        return read_certificate(self.key.certificate)

    @property
    def trust(self) -> NationalTrust:
        """The root, without CRLs."""
        return NationalTrust((self.root.der,))


def new_national_workshop() -> NationalWorkshop:
    authority = new_national_authority(passphrase=PASSPHRASE, at=NOW)
    issued = issue(authority)
    return NationalWorkshop(
        authority, issued, load_national_key(issued.key_pem, PASSPHRASE, issued.certificate_pem)
    )


def issue(authority: NationalAuthority, *, at: datetime = NOW) -> IssuedKey:
    return issue_national_certificate(
        authority, PASSPHRASE, organisation=ORGANISATION, uscc=USCC, passphrase=PASSPHRASE, at=at
    )


@dataclass(frozen=True)
class Party:
    """Somebody with a name and a key of SM2, who can certify others."""

    common_name: str
    key: sm2.PrivateKey = field(default_factory=sm2.generate)

    @property
    def name(self) -> x509.Name:
        """Its common name alone."""
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])

    def certifies(
        self,
        other: "Party",
        *extensions: x509.ExtensionType,
        at: datetime = NOW,
        validity: timedelta = timedelta(days=100),
    ) -> NationalCertificate:
        """A certificate for the other with these extensions and no others but the key identifiers."""
        request = writing._Request(other.name, other.key.public_key, validity, extensions)  # noqa: SLF001 - to issue what the authority does not
        return read_certificate(writing._certificate(request, (self.name, self.key), at))  # noqa: SLF001 - as above


def usage(*names: str) -> x509.KeyUsage:
    return writing._key_usage(*names)  # noqa: SLF001 - as above


def trusting(*roots: NationalCertificate, crls: Sequence[bytes] = ()) -> NationalTrust:
    return NationalTrust(tuple(root.der for root in roots), tuple(crls))
