"""What a decision knows: who acts, what they want to do, with what, and in which context."""

from dataclasses import dataclass, field
from enum import StrEnum

from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.footing import Footing


@dataclass(frozen=True, slots=True)
class Anyone:
    """Somebody whom nobody knows."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Whoever may start programs on the vault's own machine: the command line and the worker."""


ANYONE, MACHINE = Anyone(), Machine()

Caller = ClientGrant | Person
"""Whoever comes in over the wire and is known."""
Actor = Caller | Anyone | Machine


class Action(StrEnum):
    """Everything that somebody can do with the vault through a route or a flow."""

    VERIFY = "verify"
    READ_CATALOGUE = "read-catalogue"
    READ_LOG = "read-log"
    COSIGN = "cosign"
    SHOW_CREDENTIALS = "show-credentials"
    READ_HEALTH = "read-health"

    UPLOAD = "upload"
    DEPOSIT = "deposit"
    ISSUE = "issue"
    READ_RECEIPTS = "read-receipts"
    ASK_CLOSING = "ask-closing"
    CHANGE_STATUS = "change-status"
    INSPECT = "inspect"

    SEE_CERTIFICATE = "see-certificate"
    FETCH_DOCUMENT = "fetch-document"
    FIND_BY_NUMBER = "find-by-number"
    SEE_HOLDINGS = "see-holdings"
    SEE_HELD = "see-held"
    CHECK_REUSE = "check-reuse"
    VERIFY_MATERIAL = "verify-material"

    WORK_AT_DESK = "work-at-desk"
    FIND_SHOWN = "find-shown"
    SEE_PAGE = "see-page"
    ARCHIVE_PAPER = "archive-paper"

    USE = "use"
    FETCH_COPY = "fetch-copy"
    REVOKE_USE = "revoke-use"
    REDEEM = "redeem"
    HEAR_WHY_NOT = "hear-why-not"

    READ_CHANGE = "read-change"
    KEEP_WEBHOOKS = "keep-webhooks"
    CHANGE_WEBHOOK = "change-webhook"

    SEE_SEALS = "see-seals"
    SEE_SEAL = "see-seal"
    KEEP_SEALS = "keep-seals"
    KEEP_SEAL = "keep-seal"
    STOP_SEALS = "stop-seals"
    STOP_SEAL = "stop-seal"

    SEE_OPERATIONS = "see-operations"
    TRY_TEMPLATE = "try-template"

    LIST_OWN = "list-own"
    FETCH_OWN_DOCUMENT = "fetch-own-document"
    READ_OWN_ACCESSES = "read-own-accesses"
    REVOKE_USE_OF_OWN = "revoke-use-of-own"
    DISPUTE = "dispute"
    READ_OWN_DISPUTES = "read-own-disputes"

    GRANT_CONSENT = "grant-consent"
    LIST_CONSENTS = "list-consents"
    REVOKE_CONSENT = "revoke-consent"
    DELEGATE = "delegate"
    LIST_DELEGATIONS = "list-delegations"
    END_DELEGATION = "end-delegation"
    ACT_ON_BEHALF = "act-on-behalf"
    PRESENT = "present"
    SEE_PRESENTED = "see-presented"

    SEE_DISPUTES = "see-disputes"
    DECIDE_DISPUTE = "decide-dispute"

    DEFER_TELLING = "defer-telling"
    SEE_ORDERS = "see-orders"


class Kind(StrEnum):
    """What a resource is. The value is how it is called in the sentence that there is none."""

    CASE = "case"
    CERTIFICATE = "certificate"
    MATERIAL = "material"
    USE = "use"
    WEBHOOK = "webhook"
    SEAL = "seal"
    GRANT = "grant"
    ACCESS = "access"
    DISPUTE = "dispute"
    HOLDER = "holder"
    CONSENT = "consent"
    DELEGATION = "delegation"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of the vault, as far as decisions ask about it.

    `authority`: USCC of who issued it, or answers for it. `type_code`: its certificate type. `by`: the actor
    (`Person.actor`, `ClientGrant.actor`) who deposited, made or registered it, or whose access is disputed.
    `holders`: the identities of its holders, or of those among them about whom its rows were asked.
    `redeemed_by`: who redeemed a code of it. `delegates`: the identities of those to whom it is delegated, as
    far as that holds now.
    """

    kind: Kind
    authority: str | None = None
    type_code: str | None = None
    by: str | None = None
    holders: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    redeemed_by: frozenset[str] = frozenset()
    delegates: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Context:
    """What for. `service_item`: an item (事项编码) in force; `handled_by`: USCC of who handles it.

    `footing`: what it rests on, the function of who asks (依职能) or a holder's consent (授权). There is no
    time in it: whether a consent covers this today is for the flow that found it (`vault.grounds`, by
    `vault.model.consent`), which then names it as the footing.
    """

    purpose: str | None = field(default=None, repr=False)
    case_number: str | None = field(default=None, repr=False)
    service_item: str | None = None
    handled_by: str | None = None
    footing: Footing | None = None


def certificate(record: CertificateRecord, delegates: frozenset[tuple[str, str]] = frozenset()) -> Resource:
    """A certificate with everything that is asked of one."""
    return Resource(
        Kind.CERTIFICATE,
        authority=record.issuing_authority,
        type_code=record.type_code,
        by=record.client_id,
        holders=frozenset(holder.code.identity for holder in record.holders),
        delegates=delegates,
    )
