"""The table of rules. What is not written here nobody may do.

A line reads: this action is open to this kind of actor, where all of these conditions hold. Several lines of
one action are alternatives. `docs/access.md` is printed from here, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vault.model.access.conditions import (
    ANSWERS,
    APART,
    BOUND,
    BROUGHT_IN,
    BY_FUNCTION,
    CASE,
    CONSENTED,
    DELEGATED,
    FUNCTION,
    HANDLES_ITEM,
    HOLDS,
    IDENTIFIED,
    IN_ORGANISATION,
    ITEM,
    LOOKED,
    OF_ORGANISATION,
    PURPOSE,
    REDEEMED,
    Condition,
)
from vault.model.access.facts import Action
from vault.model.actors import Role


class Who(StrEnum):
    """Kinds of actors that are no roles of people."""

    ANYONE = "anyone"
    CLIENT = "approval system"
    MACHINE = "the machine"


class Refusal(StrEnum):
    """How somebody is refused who came in as they should, but to whom no line of the rule applies."""

    HIDES = "404"
    """As for what does not exist, in the same words."""
    SAYS_SO = "403"
    """They may know of it, and hear for whom it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """One way to be permitted."""

    who: Who | Role
    where: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """`what`: the action in words."""

    what: str
    refusal: Refusal
    lines: tuple[Line, ...]


def _open(what: str) -> Rule:
    """Everybody may; nothing asks who it is."""
    return Rule(what, Refusal.SAYS_SO, (Line(Who.ANYONE, ()),))


def _says_so(what: str, *lines: Line) -> Rule:
    return Rule(what, Refusal.SAYS_SO, lines)


def _hides(what: str, *lines: Line) -> Rule:
    return Rule(what, Refusal.HIDES, lines)


def _client(*where: Condition) -> Line:
    return Line(Who.CLIENT, where)


def _machine() -> Line:
    return Line(Who.MACHINE, ())


RULES: Mapping[Action, Rule] = {
    # --- everybody -----------------------------------------------------------------------------------
    Action.VERIFY: _open("verify a certificate by token, by number and code, or by file"),
    Action.READ_CATALOGUE: _open("read the catalogue of types, service items and materials"),
    Action.READ_LOG: _open("read the transparency log and its proofs"),
    Action.COSIGN: _open("bring a witness's cosignature, which proves itself"),
    Action.SEE_PRESENTED: _open("see what a holder shows by a code"),
    Action.SHOW_CREDENTIALS: _open("show credentials, and read how and by which keys"),
    Action.READ_HEALTH: _open("ask whether the vault is up, and read its metrics"),
    # --- depositing, and what becomes of a certificate -------------------------------------------------
    Action.UPLOAD: _says_so("hand in a file for a deposit", _client(FUNCTION)),
    Action.DEPOSIT: _says_so("deposit a completed case", _client(FUNCTION)),
    Action.ISSUE: _says_so("have a certificate of a type sealed for an authority", _client(BOUND)),
    Action.READ_RECEIPTS: _hides("read a case's receipts again", _client(BROUGHT_IN)),
    Action.ASK_CLOSING: _hides("ask whether a case may close", _client(BROUGHT_IN)),
    Action.CHANGE_STATUS: _hides("change a certificate's status", _client(BOUND)),
    Action.INSPECT: _hides("record an annual inspection", _client(BOUND)),
    # --- looking up --------------------------------------------------------------------------------
    Action.SEE_CERTIFICATE: _hides(
        "see a certificate in full, with its history",
        _client(BOUND),
        _client(BROUGHT_IN),
        Line(Role.CLERK, (OF_ORGANISATION,)),
        Line(Role.ISSUER, (OF_ORGANISATION,)),
    ),
    Action.FETCH_DOCUMENT: _hides(
        "fetch a certificate's sealed file",
        _client(BOUND),
        _client(BROUGHT_IN),
        Line(Role.CLERK, (OF_ORGANISATION,)),
        Line(Role.ISSUER, (OF_ORGANISATION,)),
    ),
    Action.FIND_BY_NUMBER: _hides("find certificates by number", _client(BOUND)),
    Action.SEE_HOLDINGS: _says_so(
        "see what a holder has",
        _client(PURPOSE),
        Line(Role.CLERK, (PURPOSE, CASE, HANDLES_ITEM)),
    ),
    Action.SEE_HELD: _hides(
        "… of this holder, in a list or in a check",
        _client(BY_FUNCTION),
        _client(CONSENTED),
        Line(Role.CLERK, (BY_FUNCTION,)),
    ),
    Action.CHECK_REUSE: _says_so(
        "check what need not be handed in again",
        _client(ITEM),
        Line(Role.CLERK, (CASE, HANDLES_ITEM)),
    ),
    Action.VERIFY_MATERIAL: _hides(
        "record that a material was compared with its original",
        _client(FUNCTION),
        Line(Role.CLERK, (IN_ORGANISATION,)),
    ),
    # --- the clerk's desk -----------------------------------------------------------------------------
    Action.WORK_AT_DESK: _says_so("work at the clerk's desk", Line(Role.CLERK, (IN_ORGANISATION,))),
    Action.FIND_SHOWN: _hides(
        "find whose certificate it is whose QR code is scanned at the desk",
        Line(Role.CLERK, (CASE, HANDLES_ITEM, BY_FUNCTION)),
    ),
    Action.SEE_PAGE: _hides(
        "see the picture of the first page of what a case's check found",
        Line(Role.CLERK, (CASE, HANDLES_ITEM, BY_FUNCTION)),
    ),
    Action.ARCHIVE_PAPER: _says_so(
        "archive a paper that was compared with its original at the desk",
        Line(Role.CLERK, (CASE, HANDLES_ITEM)),
    ),
    # --- using -------------------------------------------------------------------------------------
    Action.USE: _hides(
        "use a certificate or material in force for a case",
        _client(PURPOSE, CASE, ITEM, BY_FUNCTION),
        _client(PURPOSE, CASE, CONSENTED),
        Line(Role.CLERK, (PURPOSE, CASE, HANDLES_ITEM, BY_FUNCTION)),
    ),
    Action.FETCH_COPY: _hides(
        "fetch the usage copy",
        _client(BROUGHT_IN),
        _client(REDEEMED, FUNCTION),
        Line(Role.CLERK, (BROUGHT_IN,)),
    ),
    Action.REVOKE_USE: _hides("revoke a use", _client(BROUGHT_IN), Line(Role.CLERK, (BROUGHT_IN,))),
    Action.REDEEM: _hides(
        "redeem a use code that was shown",
        _client(PURPOSE, CASE, BY_FUNCTION),
        _client(PURPOSE, CASE, CONSENTED),
    ),
    Action.HEAR_WHY_NOT: _hides(
        "hear why a use code opens nothing any more", _client(BROUGHT_IN), _client(REDEEMED)
    ),
    # --- following ---------------------------------------------------------------------------------
    Action.READ_CHANGE: _hides(
        "read a change in the feed, or be sent it", _client(BOUND), _client(BROUGHT_IN), _machine()
    ),
    Action.KEEP_WEBHOOKS: _says_so("register webhooks, and list them", _client(BROUGHT_IN), _machine()),
    Action.CHANGE_WEBHOOK: _hides(
        "give a webhook a new secret, or take it away", _client(BROUGHT_IN), _machine()
    ),
    # --- seals: whether one keeps, stops or sees any, asked first; then of which -----------------------
    Action.SEE_SEALS: _says_so(
        "see seals, grants and their use",
        Line(Role.SEAL_CUSTODIAN, (APART,)),
        Line(Role.OPERATOR, (APART,)),
        Line(Role.AUDITOR, (APART,)),
    ),
    Action.SEE_SEAL: _hides(
        "… of this seal",
        Line(Role.SEAL_CUSTODIAN, (APART, OF_ORGANISATION)),
        Line(Role.OPERATOR, (APART,)),
        Line(Role.AUDITOR, (APART,)),
    ),
    Action.KEEP_SEALS: _says_so(
        "make, approve and end seal-use grants, propose and approve resumptions",
        Line(Role.SEAL_CUSTODIAN, (APART,)),
    ),
    Action.KEEP_SEAL: _hides("… for this seal", Line(Role.SEAL_CUSTODIAN, (APART, OF_ORGANISATION))),
    Action.STOP_SEALS: _says_so(
        "stop seals",
        Line(Role.SEAL_CUSTODIAN, (APART,)),
        Line(Role.OPERATOR, (APART,)),
        _machine(),
    ),
    Action.STOP_SEAL: _hides(
        "stop this seal",
        Line(Role.SEAL_CUSTODIAN, (APART, OF_ORGANISATION)),
        Line(Role.OPERATOR, (APART,)),
        _machine(),
    ),
    # --- watching over the vault: counts and states, nothing of anybody's ----------------------------------
    Action.SEE_OPERATIONS: _says_so(
        "see how the vault is doing: deposits, queue, log, checks, backups, clients",
        Line(Role.OPERATOR, (APART,)),
        Line(Role.AUDITOR, (APART,)),
    ),
    Action.TRY_TEMPLATE: _says_so(
        "see the page that an edited copy of a template makes; nothing is kept",
        Line(Role.OPERATOR, (APART,)),
    ),
    # --- one's own ---------------------------------------------------------------------------------
    Action.LIST_OWN: _says_so("list one's own certificates", Line(Role.HOLDER, ())),
    Action.FETCH_OWN_DOCUMENT: _hides(
        "fetch one's own sealed file, or one that is delegated",
        Line(Role.HOLDER, (HOLDS,)),
        Line(Role.HOLDER, (DELEGATED,)),
    ),
    Action.READ_OWN_ACCESSES: _says_so("read who looked at what is one's own", Line(Role.HOLDER, ())),
    Action.REVOKE_USE_OF_OWN: _hides("revoke a use of what is one's own", Line(Role.HOLDER, (HOLDS,))),
    Action.DISPUTE: _hides("dispute what is one's own, or an access to it", Line(Role.HOLDER, (HOLDS,))),
    Action.READ_OWN_DISPUTES: _says_so("read one's own disputes", Line(Role.HOLDER, ())),
    # --- what holders grant, and show ------------------------------------------------------------------
    Action.GRANT_CONSENT: _says_so(
        "consent to what an organisation may see", Line(Role.HOLDER, (IDENTIFIED,))
    ),
    Action.LIST_CONSENTS: _says_so("list one's own consents", Line(Role.HOLDER, (IDENTIFIED,))),
    Action.REVOKE_CONSENT: _hides("take a consent back", Line(Role.HOLDER, (HOLDS,))),
    Action.DELEGATE: _says_so("delegate to another person", Line(Role.HOLDER, (IDENTIFIED,))),
    Action.LIST_DELEGATIONS: _says_so(
        "list the delegations that one gave and received", Line(Role.HOLDER, (IDENTIFIED,))
    ),
    Action.END_DELEGATION: _hides(
        "end a delegation", Line(Role.HOLDER, (HOLDS,)), Line(Role.HOLDER, (DELEGATED,))
    ),
    Action.ACT_ON_BEHALF: _hides("act under a delegation", Line(Role.HOLDER, (DELEGATED,))),
    Action.PRESENT: _hides(
        "show a certificate by a code (亮证)", Line(Role.HOLDER, (HOLDS,)), Line(Role.HOLDER, (DELEGATED,))
    ),
    # --- disputes of others, and what they are told later ----------------------------------------------
    Action.SEE_DISPUTES: _says_so("list the disputes that are to be decided", _client()),
    Action.DECIDE_DISPUTE: _hides("decide about a dispute", _client(ANSWERS), _client(LOOKED)),
    Action.DEFER_TELLING: _says_so("record an order by which a holder is told later", _machine()),
    Action.SEE_ORDERS: _says_so("list those orders", _machine()),
}
