"""The decision as a table, written by hand: every action, whoever asks, of one's own and of others.

`PERMITTED` is what the rules ought to say and is not read from them. An action without a row here fails.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from vault.errors import NotAuthenticated, NotFound, NotPermitted
from vault.model.access import (
    ANYONE,
    MACHINE,
    Action,
    Actor,
    Context,
    Kind,
    Resource,
    authorize,
    refusal,
)
from vault.model.access.rules import RULES
from vault.model.actors import STAFF, Assurance, ClientGrant, Person, Role
from vault.model.footing import BY_FUNCTION, ByConsent, Consented, Statutory
from vault.model.holders import HolderCode

A, B = "91350100M000100Y43", "91990100MA9700026U"
TYPE, OTHER_TYPE = "11100000MB0000000X001", "11100000MB0000000X002"
CODE = HolderCode.parse("111", "11010519491231002X")
OTHER_CODE = HolderCode.parse("111", "440524188001010014")

# A certificate of type TYPE that A issued to CODE; a system "maker" deposited it, made a use of it, …
THING = Resource(
    Kind.CERTIFICATE,
    authority=A,
    type_code=TYPE,
    by="maker",
    holders=frozenset({CODE.identity}),
    redeemed_by=frozenset({"receiver", "bank that redeemed"}),
    delegates=frozenset({OTHER_CODE.identity}),
)
FULL = Context("办理", "SL-1", "990100000117002", A, BY_FUNCTION)
CONSENT = Consented((UUID(int=7),))


def client(name: str, *authorities: str, types: frozenset[str] | None = None) -> ClientGrant:
    return ClientGrant(name, name, frozenset(authorities), types)


def bank(name: str) -> ClientGrant:
    return replace(client(name), standing=ByConsent(B))


def person(*roles: Role, organisation: str | None = None, code: HolderCode | None = None) -> Person:
    issuer, roles_ = "https://id.example", frozenset(roles)
    return Person(UUID(int=1), issuer, "林", roles_, organisation, code, Assurance.HIGH)


CLIENTS: dict[str, Actor] = {
    "maker": client("maker"),
    "bound": client("colleague", A),
    "bound to the type": client("colleague", A, B, types=frozenset({TYPE})),
    "bound to another type": client("colleague", A, types=frozenset({OTHER_TYPE})),
    "bound to no type": client("colleague", A, types=frozenset()),
    "of another authority": client("stranger", B),
    "of another authority, same type": client("stranger", B, types=frozenset({TYPE})),
    "receiver": client("receiver"),
    "bank": bank("bank"),
    "bank that redeemed": bank("bank that redeemed"),
}
PEOPLE: dict[str, Actor] = {
    "holder": person(Role.HOLDER, code=CODE),
    "another holder": person(Role.HOLDER, code=OTHER_CODE),
    "holder without a code": person(Role.HOLDER),
    "custodian and operator": person(Role.SEAL_CUSTODIAN, Role.OPERATOR, organisation=A),
    "operator and auditor": person(Role.OPERATOR, Role.AUDITOR, organisation=A),
    "no role": person(organisation=A, code=CODE),
    **{f"{role}": person(role, organisation=A, code=CODE) for role in sorted(STAFF)},
    **{f"{role} elsewhere": person(role, organisation=B) for role in sorted(STAFF)},
    **{f"{role} of nobody": person(role) for role in sorted(STAFF)},
}
ACTORS: dict[str, Actor] = {"anyone": ANYONE, "the machine": MACHINE, **CLIENTS, **PEOPLE}

EVERY_CLIENT = frozenset(CLIENTS)
BANKS = frozenset({"bank", "bank that redeemed"})
BY_LAW = EVERY_CLIENT - BANKS
"""Those with a function by law; the others ask by consent."""
BOUND = frozenset({"bound", "bound to the type"})
HOLDERS = frozenset({"holder", "another holder", "holder without a code"})
IDENTIFIED = HOLDERS - {"holder without a code"}
CUSTODIANS, OPERATORS, AUDITORS, CLERKS = (
    frozenset({role, f"{role} elsewhere", f"{role} of nobody"})
    for role in ("seal_custodian", "operator", "auditor", "clerk")
)
STAFF_HERE = frozenset({"clerk", "issuer"})


@dataclass(frozen=True, slots=True)
class Row:
    """Who is permitted; how others of a kind that the rule knows are refused.

    `people`: people are of such a kind, though nobody here is permitted.
    """

    permitted: frozenset[str]
    refused: type[Exception] = NotFound
    people: bool = False


OPEN = Row(frozenset(ACTORS))
PERMITTED: dict[Action, Row] = {
    Action.VERIFY: OPEN,
    Action.READ_CATALOGUE: OPEN,
    Action.READ_LOG: OPEN,
    Action.COSIGN: OPEN,
    Action.SHOW_CREDENTIALS: OPEN,
    Action.READ_HEALTH: OPEN,
    Action.SEE_PRESENTED: OPEN,
    Action.UPLOAD: Row(BY_LAW, NotPermitted),
    Action.DEPOSIT: Row(BY_LAW, NotPermitted),
    Action.ISSUE: Row(BOUND, NotPermitted),
    Action.READ_RECEIPTS: Row(frozenset({"maker"})),
    Action.ASK_CLOSING: Row(frozenset({"maker"})),
    Action.CHANGE_STATUS: Row(BOUND),
    Action.INSPECT: Row(BOUND),
    Action.SEE_CERTIFICATE: Row(BOUND | {"maker"} | STAFF_HERE),
    Action.FETCH_DOCUMENT: Row(BOUND | {"maker"} | STAFF_HERE),
    Action.FIND_BY_NUMBER: Row(BOUND),
    Action.SEE_HOLDINGS: Row(EVERY_CLIENT | {"clerk"}, NotPermitted),
    Action.SEE_HELD: Row(BY_LAW | CLERKS),
    Action.CHECK_REUSE: Row(EVERY_CLIENT | {"clerk"}, NotPermitted),
    Action.VERIFY_MATERIAL: Row(BY_LAW | {"clerk", "clerk elsewhere"}),
    Action.WORK_AT_DESK: Row(frozenset({"clerk", "clerk elsewhere"}), NotPermitted),
    Action.FIND_SHOWN: Row(frozenset({"clerk"})),
    Action.SEE_PAGE: Row(frozenset({"clerk"})),
    Action.ARCHIVE_PAPER: Row(frozenset({"clerk"}), NotPermitted),
    Action.USE: Row(BY_LAW | {"clerk"}),
    Action.FETCH_COPY: Row(frozenset({"maker", "receiver"}), people=True),
    Action.REVOKE_USE: Row(frozenset({"maker"}), people=True),
    Action.REDEEM: Row(BY_LAW),
    Action.HEAR_WHY_NOT: Row(frozenset({"maker", "receiver", "bank that redeemed"})),
    Action.READ_CHANGE: Row(BOUND | {"maker", "the machine"}),
    Action.KEEP_WEBHOOKS: Row(frozenset({"maker", "the machine"}), NotPermitted),
    Action.CHANGE_WEBHOOK: Row(frozenset({"maker", "the machine"})),
    Action.SEE_SEALS: Row(CUSTODIANS | OPERATORS | AUDITORS, NotPermitted),
    Action.SEE_SEAL: Row(OPERATORS | AUDITORS | {"seal_custodian"}),
    Action.KEEP_SEALS: Row(CUSTODIANS, NotPermitted),
    Action.KEEP_SEAL: Row(frozenset({"seal_custodian"})),
    Action.STOP_SEALS: Row(CUSTODIANS | OPERATORS | {"the machine"}, NotPermitted),
    Action.STOP_SEAL: Row(OPERATORS | {"seal_custodian", "the machine"}),
    Action.SEE_OPERATIONS: Row(OPERATORS | AUDITORS, NotPermitted),
    Action.TRY_TEMPLATE: Row(OPERATORS, NotPermitted),
    Action.LIST_OWN: Row(HOLDERS, NotPermitted),
    Action.FETCH_OWN_DOCUMENT: Row(IDENTIFIED),
    Action.READ_OWN_ACCESSES: Row(HOLDERS, NotPermitted),
    Action.REVOKE_USE_OF_OWN: Row(frozenset({"holder"})),
    Action.DISPUTE: Row(frozenset({"holder"})),
    Action.READ_OWN_DISPUTES: Row(HOLDERS, NotPermitted),
    Action.GRANT_CONSENT: Row(IDENTIFIED, NotPermitted),
    Action.LIST_CONSENTS: Row(IDENTIFIED, NotPermitted),
    Action.REVOKE_CONSENT: Row(frozenset({"holder"})),
    Action.DELEGATE: Row(IDENTIFIED, NotPermitted),
    Action.LIST_DELEGATIONS: Row(IDENTIFIED, NotPermitted),
    Action.END_DELEGATION: Row(IDENTIFIED),
    Action.ACT_ON_BEHALF: Row(frozenset({"another holder"})),
    Action.PRESENT: Row(IDENTIFIED),
    Action.SEE_DISPUTES: Row(EVERY_CLIENT),
    Action.DECIDE_DISPUTE: Row(BOUND | {"maker"}),
    Action.DEFER_TELLING: Row(frozenset({"the machine"})),
    Action.SEE_ORDERS: Row(frozenset({"the machine"})),
}
# Of which ways in somebody is for whom each action is; whoever came in otherwise is told to sign in.
WAYS = (EVERY_CLIENT, frozenset(PEOPLE), frozenset({"anyone"}), frozenset({"the machine"}))


def test_every_action_has_a_rule_and_a_row() -> None:
    assert set(RULES) == set(Action)
    assert set(PERMITTED) == set(Action)


@pytest.mark.parametrize("name", ACTORS)
@pytest.mark.parametrize("action", Action)
def test_who_may_do_what_with_what(action: Action, name: str) -> None:
    row = PERMITTED[action]
    refused = refusal(ACTORS[name], action, THING, FULL)
    if name in row.permitted:
        assert refused is None
        authorize(ACTORS[name], action, THING, FULL)
        return
    way = next(way for way in WAYS if name in way)
    known = bool(way & row.permitted) or (row.people and name in PEOPLE)
    expected = row.refused if known else NotAuthenticated
    assert type(refused) is expected
    with pytest.raises(expected):
        authorize(ACTORS[name], action, THING, FULL)


@pytest.mark.parametrize("kind", Kind)
def test_what_one_may_not_know_of_is_answered_as_what_is_not_there(kind: Kind) -> None:
    refused = refusal(CLIENTS["of another authority"], Action.CHANGE_WEBHOOK, replace(THING, kind=kind))
    assert (type(refused), str(refused)) == (NotFound, f"There is no such {kind}.")


NAMED: dict[Action, dict[str, frozenset[str]]] = {
    Action.USE: {
        "maker": frozenset({"purpose", "case_number", "service_item", "footing"}),
        "clerk": frozenset({"purpose", "case_number", "service_item", "handled_by", "footing"}),
    },
    Action.REDEEM: {"receiver": frozenset({"purpose", "case_number", "footing"})},
    Action.SEE_HELD: {
        "maker": frozenset({"footing"}),
        **{clerk: frozenset({"footing"}) for clerk in sorted(CLERKS)},
    },
    Action.SEE_HOLDINGS: {
        "maker": frozenset({"purpose"}),
        "clerk": frozenset({"purpose", "case_number", "service_item", "handled_by"}),
    },
    Action.FIND_SHOWN: {"clerk": frozenset({"case_number", "service_item", "handled_by", "footing"})},
    Action.SEE_PAGE: {"clerk": frozenset({"case_number", "service_item", "handled_by", "footing"})},
    Action.ARCHIVE_PAPER: {"clerk": frozenset({"case_number", "service_item", "handled_by"})},
    Action.CHECK_REUSE: {
        "maker": frozenset({"service_item"}),
        "clerk": frozenset({"case_number", "service_item", "handled_by"}),
    },
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("left_out", ["purpose", "case_number", "service_item", "handled_by", "footing"])
def test_what_must_be_named_must_be_named(action: Action, left_out: str) -> None:
    changes: dict[str, Any] = {left_out: None}
    for name in PERMITTED[action].permitted:
        needed = left_out in NAMED.get(action, {}).get(name, frozenset())
        if action in NAMED and name in EVERY_CLIENT:
            needed = left_out in next(iter(NAMED[action].values()))
        refused = refusal(ACTORS[name], action, THING, replace(FULL, **changes))
        assert (refused is not None) is needed, name


@pytest.mark.parametrize("action", [Action.SEE_HOLDINGS, Action.CHECK_REUSE])
def test_a_clerk_asks_for_items_that_their_organisation_handles(action: Action) -> None:
    refused = refusal(PEOPLE["clerk"], action, None, replace(FULL, handled_by=B))
    assert isinstance(refused, NotPermitted)
    assert "their organisation handles the service item named" in refused.detail
    assert refusal(PEOPLE["clerk elsewhere"], action, None, replace(FULL, handled_by=B)) is None


@pytest.mark.parametrize("action", [Action.FETCH_COPY, Action.REVOKE_USE])
def test_a_clerk_gets_what_they_made_themselves(action: Action) -> None:
    clerk = PEOPLE["clerk"]
    assert isinstance(clerk, Person)
    made = replace(THING, by=clerk.actor)
    assert refusal(clerk, action, made) is None
    for other in (replace(clerk, person_id=UUID(int=2)), replace(clerk, roles=frozenset({Role.HOLDER}))):
        assert isinstance(refusal(other, action, made), NotFound)


RESTING = (Action.USE, Action.REDEEM, Action.SEE_HELD)
NAMELESS = Context("办理", "SL-1", None, None, CONSENT)


@pytest.mark.parametrize("action", RESTING)
def test_a_consent_carries_what_an_organisation_without_function_asks(action: Action) -> None:
    for footing in (BY_FUNCTION, Statutory("其他依据"), Consented(()), None):
        refused = refusal(CLIENTS["bank"], action, THING, replace(FULL, footing=footing))
        assert isinstance(refused, NotFound)
    assert refusal(CLIENTS["bank"], action, THING, NAMELESS) is None
    material = replace(THING, kind=Kind.MATERIAL)
    assert isinstance(refusal(CLIENTS["bank"], action, material, NAMELESS), NotFound)


@pytest.mark.parametrize("action", RESTING)
def test_who_asks_by_function_does_not_borrow_a_consent(action: Action) -> None:
    for name in ("maker", "clerk"):
        if action is not Action.REDEEM or name == "maker":
            assert isinstance(refusal(ACTORS[name], action, THING, replace(FULL, footing=CONSENT)), NotFound)


@pytest.mark.parametrize("name", sorted(BANKS))
def test_an_organisation_that_asks_by_consent_gets_the_copies_of_its_own_uses_only(name: str) -> None:
    bank_here = CLIENTS[name]
    assert isinstance(refusal(bank_here, Action.FETCH_COPY, THING), NotFound)
    assert refusal(bank_here, Action.FETCH_COPY, replace(THING, by=name)) is None


@pytest.mark.parametrize("action", [Action.FETCH_OWN_DOCUMENT, Action.PRESENT, Action.END_DELEGATION])
def test_what_is_delegated_to_nobody_is_its_holders(action: Action) -> None:
    undelegated = replace(THING, delegates=frozenset())
    assert isinstance(refusal(PEOPLE["another holder"], action, undelegated), NotFound)
    assert refusal(PEOPLE["holder"], action, undelegated) is None


OF_NO_ONE_THING = frozenset(
    {
        Action.UPLOAD,
        Action.DEPOSIT,
        Action.SEE_HOLDINGS,
        Action.CHECK_REUSE,
        Action.VERIFY_MATERIAL,
        Action.WORK_AT_DESK,
        Action.FIND_SHOWN,
        Action.SEE_PAGE,
        Action.ARCHIVE_PAPER,
        Action.USE,
        Action.REDEEM,
        Action.LIST_OWN,
        Action.READ_OWN_ACCESSES,
        Action.READ_OWN_DISPUTES,
        Action.SEE_HELD,
        Action.GRANT_CONSENT,
        Action.LIST_CONSENTS,
        Action.DELEGATE,
        Action.LIST_DELEGATIONS,
        Action.SEE_DISPUTES,
        Action.SEE_SEALS,
        Action.KEEP_SEALS,
        Action.STOP_SEALS,
        # Operators and auditors are the vault's, and theirs are all seals.
        Action.SEE_SEAL,
        Action.STOP_SEAL,
        Action.SEE_OPERATIONS,
        Action.TRY_TEMPLATE,
    }
)


@pytest.mark.parametrize(
    "action", [a for a in Action if PERMITTED[a] is not OPEN and a not in OF_NO_ONE_THING]
)
def test_a_flow_that_forgets_to_say_what_it_is_about_opens_nothing(action: Action) -> None:
    nameless = Resource(Kind.CERTIFICATE)
    for actor in (*CLIENTS.values(), *PEOPLE.values()):
        assert refusal(actor, action, None, FULL) is not None
        assert refusal(actor, action, nameless, FULL) is not None


def test_a_dispute_of_no_type_is_for_whoever_answers_for_the_authority() -> None:
    of_an_access = Resource(Kind.DISPUTE, authority=A)
    answering = {
        name for name, who in CLIENTS.items() if refusal(who, Action.DECIDE_DISPUTE, of_an_access) is None
    }
    assert answering == BOUND | {"bound to another type", "bound to no type"}
    with pytest.raises(NotFound, match="no such dispute"):
        authorize(CLIENTS["of another authority"], Action.DECIDE_DISPUTE, of_an_access)


def test_an_action_without_a_rule_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {action: rule for action, rule in RULES.items() if action is not Action.VERIFY}
    monkeypatch.setattr("vault.model.access.deciding.RULES", without)
    for actor in ACTORS.values():
        with pytest.raises(NotPermitted):
            authorize(actor, Action.VERIFY, THING, FULL)


def test_a_refusal_names_nobody() -> None:
    for action in Action:
        for actor in ACTORS.values():
            told = str(refusal(actor, action, THING, FULL))
            assert not any(word in told for word in (A, CODE.value, "林", "maker", "SL-1"))
