"""Delegations (委托): holders let another person download or present what is theirs."""

from vault.delegations.granting import Granted, grant_delegation
from vault.delegations.listing import Delegations, delegations_of
from vault.delegations.reading import DelegationRequest, read_delegation
from vault.delegations.revoking import Ended, end_delegation
from vault.delegations.showing import delegations_json, ended_json, given_json

__all__ = [
    "DelegationRequest",
    "Delegations",
    "Ended",
    "Granted",
    "delegations_json",
    "delegations_of",
    "end_delegation",
    "ended_json",
    "given_json",
    "grant_delegation",
    "read_delegation",
]
