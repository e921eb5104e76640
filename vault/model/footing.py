"""On what footing (依据) somebody else's certificate is asked for: a statutory function, or a consent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

# Of approval systems for which nothing nearer was registered.
STATUTORY_DUTY = "《中华人民共和国个人信息保护法》第十三条第一款第三项、第三十四条（为履行法定职责所必需）"


@dataclass(frozen=True, slots=True)
class Statutory:
    """By function (依职能): no consent is needed. `legal_basis`: the function's, as it was registered."""

    legal_basis: str = STATUTORY_DUTY


@dataclass(frozen=True, slots=True)
class ByConsent:
    """An organisation without such a function, by its USCC: it sees what holders consent to, no more."""

    organisation: str


@dataclass(frozen=True, slots=True)
class Consented:
    """On these consents; a use has exactly one."""

    consents: tuple[UUID, ...]


BY_FUNCTION = Statutory()

Standing = Statutory | ByConsent
"""What an approval system is registered as."""

Footing = Statutory | Consented
"""What one request rests on."""


def footing_json(footing: Footing) -> dict[str, Any]:
    """A footing as audit events and the contract write it."""
    match footing:
        case Statutory(legal_basis):
            return {"footing": "statutory", "legal_basis": legal_basis, "consents": []}
        case Consented(consents):
            return {"footing": "consent", "legal_basis": None, "consents": [str(each) for each in consents]}
