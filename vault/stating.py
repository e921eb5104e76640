"""What a certificate's QR holds: the address with its token, and behind it the statement for the offline."""

import hashlib
from datetime import datetime

from signing.statement import in_fragment, write_statement
from signing.trust_list import TRUST_LIST_PATH, TrustList, write_trust_list
from vault.model.certificate import ApprovalResult, CertificateRecord, Status
from vault.model.origin import OriginKind
from vault.model.statement import (
    DIGEST_PREFIX_BYTES,
    Covers,
    DocumentMark,
    Statement,
    stated_holder,
    stated_names,
)
from vault.workshop import Workshop

# Where the trust list is served; its signature names it, too.
LIST_PATH = TRUST_LIST_PATH


def verify_url(public_url: str, token: str) -> str:
    """Where a QR leads: the token stands in the fragment, which no server log ever sees."""
    return f"{public_url}/v#t={token}"


def stated(workshop: Workshop, url: str, statement: Statement, *, at: datetime) -> str:
    """The address with a statement behind it; without one where the vault has no key for it.

    Raises:
        Unavailable: the statement keys cannot be read.
    """
    key = workshop.statements.signing(at)
    return url if key is None else f"{url}&s={in_fragment(write_statement(statement, key))}"


def trust_list(workshop: Workshop, *, at: datetime) -> bytes:
    """The keys that check this vault's statements, as a note that the log's key has signed.

    Raises:
        Unavailable: the statement keys cannot be read.
    """
    made_at = at.replace(microsecond=0)
    return write_trust_list(
        TrustList(workshop.public_url, made_at, workshop.statements.listed(at)), workshop.log_key
    )


def printed_statement(
    result: ApprovalResult,
    identifier: str,
    unsealed: bytes,
    *,
    type_name: str,
    authority_name: str,
    at: datetime,
    origin: OriginKind = OriginKind.BORN_SEALED,
) -> Statement:
    """What is printed on a certificate that is being issued: valid, as of now.

    `unsealed`: the file before QR and seal are set. Its digest is what can be known of the file at this
    moment, and what can be checked later: the sealed file begins with these very bytes.
    """
    names = stated_names(type_name, authority_name)
    return Statement(
        identifier=identifier,
        type_name=names[0],
        authority_name=names[1],
        holder=stated_holder(result.holders[0]),
        holders=len(result.holders),
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        status=Status.VALID,
        as_of=at.replace(microsecond=0),
        document=DocumentMark(Covers.UNSEALED, hashlib.sha256(unsealed).digest()[:DIGEST_PREFIX_BYTES]),
        origin=origin,
    )


def shown_statement(
    certificate: CertificateRecord, *, type_name: str, authority_name: str, holder_shown: bool, at: datetime
) -> Statement:
    """What a display may show of a certificate that is there: as it stands now, with its sealed file."""
    names = stated_names(type_name, authority_name)
    sealed = bytes.fromhex(certificate.documents[0].sha256)
    return Statement(
        identifier=certificate.identifier,
        type_name=names[0],
        authority_name=names[1],
        holder=stated_holder(certificate.holders[0]) if holder_shown else "",
        holders=len(certificate.holders),
        issued_on=certificate.issued_on,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        status=certificate.status,
        as_of=at.replace(microsecond=0),
        document=DocumentMark(Covers.SEALED, sealed[:DIGEST_PREFIX_BYTES]),
        origin=certificate.origin.kind,
    )
