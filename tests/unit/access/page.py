"""The tables of `docs/access.md`, printed from the rules; `python -m tests.unit.access.page` does it."""

from pathlib import Path

from vault.model.access.facts import Action
from vault.model.access.rules import RULES, Line, Rule, Who

PAGE = Path(__file__).parents[3] / "docs" / "access.md"
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def tables() -> str:
    """What everybody may, and who may do the rest."""
    everybody = [rule for rule in RULES.values() if _is_open(rule)]
    rows = [row for action, rule in RULES.items() if not _is_open(rule) for row in _rows(action, rule)]
    return "\n".join(
        [
            "Everybody may, signed in or not:",
            "",
            *(f"* {rule.what}" for rule in everybody),
            "",
            "| action | what | who | where | others |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def with_tables(page: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _rows(action: Action, rule: Rule) -> list[str]:
    others = rule.refusal.value
    first = [f"`{action}`", rule.what]
    return [
        "| " + " | ".join([*(first if n == 0 else ["", ""]), *_line(line), others if n == 0 else ""]) + " |"
        for n, line in enumerate(rule.lines)
    ]


def _line(line: Line) -> list[str]:
    return [line.who.value.replace("_", " "), "; ".join(each.words for each in line.where)]


def _is_open(rule: Rule) -> bool:
    return any(line.who is Who.ANYONE for line in rule.lines)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
