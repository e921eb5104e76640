"""Seals under control: grants by four eyes, stops by one pair, keys brought in, and what is shown of it."""

from vault.custody.development import grant_what_is_missing
from vault.custody.granting import Decided, approve, end, propose
from vault.custody.roles import check_may_see
from vault.custody.showing import grant_json, grants_json, seal_json, seals
from vault.custody.stopping import Resumption, Stopped, propose_resumption, resume, stop

__all__ = [
    "Decided",
    "Resumption",
    "Stopped",
    "approve",
    "check_may_see",
    "end",
    "grant_json",
    "grant_what_is_missing",
    "grants_json",
    "propose",
    "propose_resumption",
    "resume",
    "seal_json",
    "seals",
    "stop",
]
