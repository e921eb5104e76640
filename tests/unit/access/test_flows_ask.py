"""The decision is asked for in the flows, and nobody decides beside it."""

import re
from pathlib import Path

import pytest

import vault
from vault.model.access import Action
from vault.model.access.rules import RULES, Who

ROOT = Path(vault.__file__).parent
ACCESS = ROOT / "model" / "access"
FLOWS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in ROOT.rglob("*.py")
    if ACCESS not in path.parents
}
# Flows where something else than who asks is not permitted.
OTHER_REFUSALS = {
    "model/destinations.py",  # an address that webhooks may not go to
    "custody/four_eyes.py",  # whoever made it themselves
    "deposit/reading.py",  # by the decision, for each result at its pointer
    "uses/making.py",  # a copy that shows more than the consent does
    "rotating.py",  # what the database lets its role do, not who asks
}

LOOK_AT_ROLES = {
    "model/actors.py",
    "custody/development.py",  # an invented person, copied
    "sessions.py",  # how long a session may idle
    "model/reuse.py",  # roles in a case: applicant, agent
    "model/reuse_words.py",
    "model/reuse_words_zh.py",
}


@pytest.mark.parametrize(
    "action", [a for a in Action if all(line.who is not Who.ANYONE for line in RULES[a].lines)]
)
def test_every_rule_is_asked_for_by_a_flow(action: Action) -> None:
    """What everybody may is not asked for: nothing depends on who it is."""
    asked = re.compile(rf"\bAction\.{action.name}\b")
    assert any(asked.search(text) for text in FLOWS.values())


def test_nobody_else_refuses_or_looks_at_roles() -> None:
    for name, text in FLOWS.items():
        if name not in OTHER_REFUSALS:
            assert "raise NotPermitted" not in text, name
        if name not in LOOK_AT_ROLES:
            assert re.search(r"\bRole\.|\.roles\b", text) is None, name
