"""`docs/access.md` says what the rules say."""

from tests.unit.access.page import PAGE, with_tables


def test_the_page_has_the_rules_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "write it anew: python -m tests.unit.access.page"
