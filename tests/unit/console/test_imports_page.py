"""The console's page of imports: every state a run can be in, in both languages."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from starlette.requests import Request

from api.pages.console.wording import Wording
from api.pages.rendering import Pages
from api.pages.texts import Language
from tests.unit.api.calling import app_without_engines
from vault.console import ImportsPanel
from vault.model.imports import ImportMode, ImportRun, RunState

AT = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)


def run(state: RunState, total: int | None) -> ImportRun:
    return ImportRun(
        UUID(int=1), "stock", ImportMode.IMPORT, "存量", state, AT, AT, None, total, 1200, 30, 7, 412.4, None
    )


@pytest.mark.parametrize(
    ("language", "says"), [("zh", "已处理 1,237 / 10,000 行"), ("en", "1,237 of 10,000")]
)
def test_every_state_has_its_words(language: str, says: str) -> None:
    pages = app_without_engines().state.pages
    assert isinstance(pages, Pages)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/console/imports",
        "scheme": "http",
        "server": ("vault.example", 80),
        "headers": [],
        "query_string": f"lang={language}".encode(),
    }
    for state in RunState:
        for total in (10_000, None):
            html = bytes(
                pages.render(
                    Request(scope),
                    "console/imports.html",
                    panel=ImportsPanel((run(state, total),)),
                    say=Wording(Language(language), AT),
                    as_of=AT,
                    tabs_shown=[("/console/imports", "x")],
                    person=None,
                ).body
            ).decode()
            assert "1,200" in html
            assert (says in html) is (state is RunState.RUNNING and total is not None)
            assert f">{state.value}<" not in html
