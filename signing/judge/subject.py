"""Who a signer's certificate belongs to: the attributes of its subject one by one, never its text."""

import unicodedata
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

# ETSI EN 319 412-1, clause 5.1.4: a national registration number stands behind it in organizationIdentifier.
_NATIONAL_REGISTER = "NTRCN-"
_OF_PEOPLE = (NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.PSEUDONYM)


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject's attributes, each whole and after NFKC, in their order.

    `registered`: organizationIdentifier, without its prefix. `of_person`: it names a person (RFC 5280,
    clause 4.1.2.4: surname, givenName, pseudonym).
    """

    registered: tuple[str, ...]
    serial_numbers: tuple[str, ...]
    organisations: tuple[str, ...]
    common_names: tuple[str, ...] = field(repr=False)
    of_person: bool


def subject_of(rfc4514: str) -> Subject:
    """A subject from a report's text of it; one that cannot be read says nothing."""
    try:
        name = x509.Name.from_rfc4514_string(rfc4514)
    except ValueError:
        return Subject((), (), (), (), of_person=False)
    return Subject(
        tuple(
            each.removeprefix(_NATIONAL_REGISTER) for each in _values(name, NameOID.ORGANIZATION_IDENTIFIER)
        ),
        _values(name, NameOID.SERIAL_NUMBER),
        _values(name, NameOID.ORGANIZATION_NAME),
        _values(name, NameOID.COMMON_NAME),
        of_person=any(_values(name, kind) for kind in _OF_PEOPLE),
    )


def _values(name: x509.Name, kind: ObjectIdentifier) -> tuple[str, ...]:
    return tuple(
        unicodedata.normalize("NFKC", each.value).strip()
        for each in name.get_attributes_for_oid(kind)
        if isinstance(each.value, str)
    )
