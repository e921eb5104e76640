"""schemathesis calls every operation, makes things as one of two peers, and asks for them as the other.

Its check `object_level_authorization` wants peers: users who must not be given each other's things. Of the
others, `ignored_auth` says that credentials are looked at, `use_after_free` that what was taken away is gone,
`ensure_resource_availability` that what was made is there.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import House
from tests.edge.access.scene import Scene
from tests.engines.test_serving import answering, free_port
from tests.programs import environment, eventually, running
from tests.unit.api.calling import app_without_engines, call

pytestmark = pytest.mark.engines

CHECKS = (
    "object_level_authorization",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
    "not_a_server_error",
)
SEED = 20261123
# Half a minute on a quiet machine.
PROBE_PATIENCE_S = 600.0
HOOKS = Path(__file__).with_name("probe_hooks.py")


@dataclass(frozen=True, slots=True)
class Run:
    """Two peers by their credentials. `seen`: answers without which the run would have shown nothing.

    `examples_max`: of each operation. Not a time: on a busy machine that is over before anything is asked.
    """

    scheme: str
    examples_max: int
    peers: tuple[str, str]
    seen: frozenset[tuple[str, int]]


READ = "GET /v1/certificates/{certificate_id}"
OWN = "GET /v1/me/certificates"
RUNS = (
    Run(
        "approval_system",
        12,
        ("depositor", "client of another authority"),
        frozenset({(READ, 200), (READ, 404)}),
    ),
    # Whoever is signed in makes nothing that the check could ask for as the other: lists, and credentials.
    Run("session", 6, ("holder", "another holder"), frozenset({(OWN, 200), (OWN, 401)})),
)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.scheme)
def test_no_peer_is_given_what_is_anothers(scene: Scene, house: House, tmp_path: Path, run: Run) -> None:
    write(tmp_path, scene, run)
    log = tmp_path / "serve.log"
    port = free_port()
    told = ("serve", "--port", str(port), "--processes", "1")
    with running(*told, settings=house.settings.environment(), output=log):
        eventually(answering(port), "the server")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"),
                *("openapi.json", "--url", f"http://127.0.0.1:{port}", "--checks", ",".join(CHECKS)),
                *(
                    "--phases",
                    "fuzzing,stateful",
                    "--max-examples",
                    str(run.examples_max),
                    "--seed",
                    str(SEED),
                ),
            ],
            cwd=tmp_path,
            env=environment({"CERTVAULT_PROBE": str(tmp_path / "bodies.json")}),
            capture_output=True,
            text=True,
            timeout=PROBE_PATIENCE_S,
            check=False,
        )
    scene.remove_webhooks()  # the run made as many as a client may have
    assert done.returncode == 0, done.stdout + done.stderr
    assert run.seen <= answered(log)


def write(folder: Path, scene: Scene, run: Run) -> None:
    """What the run reads: the description, the peers, the bodies, the configuration."""
    auth = {"auth": [{"name": name, "fixedHeaders": headers_of(scene, name)} for name in run.peers]}
    deposit = scene.new_case()
    deposit["case"]["number"] = "SL-{fresh}"
    use = {**scene.use_of(scene.certificate.place), "case_number": "SL-{fresh}"}
    bodies = {
        "POST /v1/deposits": deposit,
        "POST /v1/uses": use,
        "POST /v1/webhooks": {"url": "https://receiver.example/{fresh}"},
    }
    config = [
        f'hooks = "{HOOKS}"',
        "[auth.wfc]",
        'path = "auth.json"',
        f"peers = {json.dumps(list(run.peers))}",
    ]
    (folder / "openapi.json").write_text(json.dumps(description(run.scheme)), encoding="utf-8")
    (folder / "auth.json").write_text(json.dumps(auth), encoding="utf-8")
    (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
    (folder / "schemathesis.toml").write_text("\n".join(config), encoding="utf-8")


def answered(log: Path) -> set[tuple[str, int]]:
    """Which routes were answered with what."""
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line[0] == "{")
    return {(f"{line['method']} {line['route']}", line["status"]) for line in lines if "route" in line}


def headers_of(scene: Scene, name: str) -> list[dict[str, str]]:
    return [{"name": key.title(), "value": value} for key, value in scene.visitors[name].headers.items()]


def description(scheme: str) -> dict[str, Any]:
    """The operations that take these credentials, as the run understands it.

    Its check of credentials does not know OAuth 2: the token is described as the bearer token that it is, the
    cookie by its name over plain http. Links lead from what was made to where it is read.
    """
    document: dict[str, Any] = call(app_without_engines(), "GET", "/openapi.json").json()
    for path, methods in list(document["paths"].items()):
        for method, operation in list(methods.items()):
            if {scheme: []} not in operation.get("security", []):
                del methods[method]
            else:
                operation["security"] = [{scheme: []}]
        if not methods or path.startswith("/v1/uploads"):
            del document["paths"][path]
    schemes = {"approval_system": {"type": "http", "scheme": "bearer"}}
    document["components"]["securitySchemes"] = {
        scheme: schemes.get(scheme, {"type": "apiKey", "in": "cookie", "name": "certvault"})
    }
    deposits = document["paths"].get("/v1/deposits")
    if deposits is not None:
        deposits["post"]["responses"]["201"]["links"] = {
            "case": link("/v1/cases/{number}", "number", "/case_number"),
            "certificate": link(
                "/v1/certificates/{certificate_id}", "certificate_id", "/receipts/0/certificate_id"
            ),
        }
    return document


def link(path: str, parameter: str, pointer: str) -> dict[str, Any]:
    escaped = path.replace("~", "~0").replace("/", "~1")
    return {
        "operationRef": f"#/paths/{escaped}/get",
        "parameters": {parameter: f"$response.body#{pointer}"},
    }
