"""Who serves may not own: the role behind CERTVAULT_DATABASE_URL, looked at before anything starts."""

from api.edge import Mode
from api.settings import Settings
from api.wiring import database_of
from storage.health import RoleState, role_state
from vault.errors import NotPermitted
from vault.model.scope import NOBODY

ADVICE = (
    "Make a role that owns nothing, name it in CERTVAULT_DATABASE_URL and the owner in "
    "CERTVAULT_OWNER_DATABASE_URL: see docs/operating.md."
)


def check_service_role(settings: Settings) -> RoleState:
    """The role that serves; what it may beyond that is the caller's to tell.

    Raises:
        NotPermitted: production, and the role could pass by row security or rewrite history.
        Unavailable: the database does not answer.
    """
    database = database_of(settings)
    try:
        with database.reading(NOBODY) as db:
            state = role_state(db)
    finally:
        database.close()
    if settings.mode is Mode.PRODUCTION and state.too_much:
        raise NotPermitted(role_sentence(state))
    return state


def role_sentence(state: RoleState) -> str:
    """What the role is, and what to do where that is too much."""
    if state.too_much:
        return f"The service comes in as {state.name}: {'; '.join(state.too_much)}. {ADVICE}"
    return f"The service comes in as {state.name}, which owns nothing and is bound by row security."
