"""The file of identity providers: what cannot be meant is told, plain http refused in production."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.edge import Mode
from api.providers import read_providers
from vault.errors import InputError
from vault.model.actors import Assurance, Role

GOOD: dict[str, Any] = {
    "key": "province",
    "name_zh": "省平台",
    "name_en": "the province",
    "issuer": "https://id.example",
    "client_id": "certvault",
    "client_secret": "very secret",
    "claims": {"id_number": "id_no", "roles": "roles", "assurance": "acr"},
    "roles": {"窗口": "clerk"},
    "assurances": {"L3": 3},
    "may_assert_id_numbers": True,
}


def written(tmp_path: Path, *providers: dict[str, Any]) -> Path:
    path = tmp_path / "providers.json"
    path.write_text(json.dumps({"providers": providers}))
    return path


def test_a_provider_is_read_as_it_is_written(tmp_path: Path) -> None:
    [found] = read_providers(written(tmp_path, GOOD), Mode.PRODUCTION)
    assert (found.key, found.issuer, found.claims.id_number) == ("province", "https://id.example", "id_no")
    assert (found.roles, found.assurances) == ({"窗口": Role.CLERK}, {"L3": Assurance.HIGH})
    assert found.algorithms == ("RS256", "PS256", "ES256")
    assert "very secret" not in repr(found)


BAD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "plain http": ([{**GOOD, "issuer": "http://id.example"}], "https only"),
    "a key with a slash": ([{**GOOD, "key": "a/b"}], "key"),
    "two of one key": ([GOOD, GOOD], "same key"),
    "a query": ([{**GOOD, "issuer": "https://id.example?x"}], "issuer"),
    "no address": ([{**GOOD, "issuer": "id.example"}], "issuer"),
    "a role that is none": ([{**GOOD, "roles": {"x": "king"}}], "roles"),
    "a level that is none": ([{**GOOD, "assurances": {"x": 9}}], "assurances"),
    "HS256": ([{**GOOD, "algorithms": ["HS256"]}], "algorithms"),
    "none": ([{**GOOD, "algorithms": ["none"]}], "algorithms"),
    "no algorithm": ([{**GOOD, "algorithms": []}], "algorithms"),
    "a slip": ([{**GOOD, "isuer": "x"}], "isuer"),
    "an ID number that may not be asserted": ([{**GOOD, "may_assert_id_numbers": False}], "go together"),
    "no ID number to assert": ([{**GOOD, "claims": {}}], "go together"),
    "no openid": ([{**GOOD, "scopes": ["profile"]}], "openid"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_meant_is_told_without_the_secret(tmp_path: Path, what: str) -> None:
    providers, said = BAD[what]
    with pytest.raises(InputError, match=said) as refused:
        read_providers(written(tmp_path, *providers), Mode.PRODUCTION)
    assert "very secret" not in refused.value.detail


def test_development_may_use_plain_http(tmp_path: Path) -> None:
    plain = written(tmp_path, {**GOOD, "issuer": "http://127.0.0.1:9000"})
    assert read_providers(plain, Mode.DEVELOPMENT)[0].issuer == "http://127.0.0.1:9000"


def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not readable"):
        read_providers(tmp_path / "nothing", Mode.PRODUCTION)
    (tmp_path / "x").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        read_providers(tmp_path / "x", Mode.PRODUCTION)
