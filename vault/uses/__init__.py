"""Uses (用证): who uses what for which case, the codes that say so, and the copies that are made for it."""

from vault.model.use import UseRequest
from vault.uses.discarding import discard_copy
from vault.uses.making import MadeUse, make_use
from vault.uses.reading import read_use
from vault.uses.redeeming import Redeemed, redeem
from vault.uses.revoking import revoke_by_holder, revoke_by_maker
from vault.uses.showing import made_json, use_json

__all__ = [
    "MadeUse",
    "Redeemed",
    "UseRequest",
    "discard_copy",
    "made_json",
    "make_use",
    "read_use",
    "redeem",
    "revoke_by_holder",
    "revoke_by_maker",
    "use_json",
]
