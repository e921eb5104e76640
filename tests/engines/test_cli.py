"""`up` and `demo` as programs, on engines of their own: what they set up, show and leave behind."""

import json
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.walk.cases import NEXT_ITEM, REPLY, STORIES
from storage.embedded import discard
from tests.programs import certvault, children_of, engines_of, eventually, kill, running
from vault.catalogue import SHIPPED

pytestmark = pytest.mark.engines

RUNNING = "vault.env"


@pytest.fixture(scope="module")
def founded() -> Iterator[Path]:
    """A data folder on which `up --exit` has run once; in a place where root's PostgreSQL may go."""
    with tempfile.TemporaryDirectory(prefix="certvault-cli-") as name:
        Path(name).chmod(0o711)
        data = Path(name) / "data"
        done = certvault("up", "--exit", "--data", str(data))
        assert done.returncode == 0, done.stderr
        yield data
        discard(data)


def demo_file(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    return found


def test_up_names_everything_that_a_script_needs(founded: Path) -> None:
    told = demo_file(founded)
    assert set(told) == {"base_url", "client", "people", "certificates", "trust"}
    assert set(told["client"]) == {"id", "secret"}
    assert [p["role"] for p in told["people"]] == [
        *("clerk", "holder", "operator", "auditor"),
        *["seal_custodian"] * 2,
    ]
    keys = {"role", "name", "login", "password", "code_type", "code"}
    assert all(set(person) == keys for person in told["people"])
    assert told["certificates"] == []
    assert Path(told["trust"]["pdf_root"]).read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE")
    assert Path(told["trust"]["national_root"]).read_bytes().count(b"BEGIN CERTIFICATE") == 2


def test_what_holds_secrets_is_private(founded: Path) -> None:
    secret = [founded / "demo.json", *(founded / "keys").rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in secret} == {0}


def test_up_leaves_nothing_running(founded: Path) -> None:
    assert engines_of(founded) == []
    assert not (founded / RUNNING).exists()


def test_up_again_beside_a_busy_port_changes_nothing_but_the_port(founded: Path) -> None:
    before = demo_file(founded)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = certvault("up", "--exit", "--data", str(founded), "--port", str(port))
    assert done.returncode == 0, done.stderr
    after = demo_file(founded)
    assert not after.pop("base_url").endswith(f":{port}")
    assert after == {name: value for name, value in before.items() if name != "base_url"}


def test_the_demo_walks_through_the_main_job(founded: Path) -> None:
    known = len(demo_file(founded)["certificates"])
    done = certvault("demo", "--exit", "--data", str(founded))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") == len(STORIES) + 19
    copy = founded / "usage-copy.pdf"
    assert str(copy) in done.stdout
    assert (copy.read_bytes()[:5], copy.stat().st_mode & 0o777) == (b"%PDF-", 0o600)
    assert "✗" not in done.stdout
    assert "缺 missing: 预售资金监管协议" in done.stdout
    certificates = demo_file(founded)["certificates"]
    assert len(certificates) == known + len((*STORIES, REPLY))
    assert engines_of(founded) == []


@pytest.fixture
def walked(founded: Path) -> Path:
    """The same, once the demo has walked through it: here, where the test above ran in another process."""
    if not demo_file(founded)["certificates"]:
        assert certvault("demo", "--exit", "--data", str(founded)).returncode == 0
    return founded


def test_commands_find_the_running_vault_and_sigterm_ends_it(walked: Path, tmp_path: Path) -> None:
    founded = walked
    at = ("--data", str(founded))
    with running("up", *at, output=tmp_path / "up.log") as up:
        eventually(lambda: (founded / RUNNING).exists() and up.poll() is None, "the vault")
        base_url = demo_file(founded)["base_url"]
        assert httpx.get(f"{base_url}/readyz", trust_env=False).json()["ready"] is True
        assert set(children_of(up.pid).values()) == {"server", "worker", "provider"}
        _check_up_on(at)
        avoided = json.loads(certvault("stats", "--json", *at).stdout)["resubmissions_avoided"]
        assert avoided["total"] == sum(each["count"] for each in avoided["by"]) >= 5, "the demo's developer"
        assert NEXT_ITEM in {each["service_item"] for each in avoided["by"]}
        _give_and_take_access(at, base_url)
        _apply_a_changed_catalogue(at, tmp_path)
        again = certvault("up", "--exit", *at)
        assert again.returncode == 1
        assert "already running" in again.stderr
        children = children_of(up.pid)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
    assert children != {}
    assert children_of(up.pid) == {}
    assert engines_of(founded) == []
    late = certvault("fsck", *at)
    assert late.returncode == 3
    assert "No vault is running" in late.stderr


def _check_up_on(at: tuple[str, ...]) -> None:
    doctor = certvault("doctor", "--json", *at)
    levels = {finding["check"]: finding["level"] for finding in json.loads(doctor.stdout)}
    assert doctor.returncode == 0, doctor.stdout
    assert {check for check, level in levels.items() if level == "warn"} == {"mode"}
    assert {"database", "clock", "schema", "object store", "keys", "seals", "seal use", "pages"} <= set(
        levels
    )
    fsck = certvault("fsck", "--json", *at)
    assert fsck.returncode == 0, fsck.stdout
    assert json.loads(fsck.stdout)["findings"] == []
    assert certvault("db", "upgrade", *at).returncode == 0


def _give_and_take_access(at: tuple[str, ...], base_url: str) -> None:
    add = ("client", "add", "water-bureau", "--name", "水务审批系统", "--json", *at)
    unknown = certvault(*add, "--authority", "11990100MB9900101X")
    assert unknown.returncode == 2
    assert "check character" in unknown.stderr
    added = json.loads(certvault(*add, "--authority", "11990100MB9900101F").stdout)
    again = certvault(*add, "--authority", "11990100MB9900101F")
    assert again.returncode == 1
    assert "already" in again.stderr
    asked = {"grant_type": "client_credentials"}
    secret = (added["client_id"], added["client_secret"])
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        assert client.post("/oauth/token", data=asked, auth=secret).status_code == 200
        assert certvault("client", "disable", "water-bureau", *at).returncode == 0
        assert client.post("/oauth/token", data=asked, auth=secret).status_code == 401
    seals = json.loads(certvault("seal", "list", "--json", *at).stdout)
    made = json.loads(certvault("seal", "new", "11990100MB9900101F", "--json", *at).stdout)
    assert certvault("seal", "stop", made["seal_id"], *at).returncode == 0
    stopped = [s for s in json.loads(certvault("seal", "list", "--json", *at).stdout) if s["stopped_at"]]
    # For PDFs and for OFDs, and the platform's two.
    assert len(seals) == 2 * (16 + 1) + len([s for s in seals if s["stopped_at"]])
    assert made["seal_id"] in {s["seal_id"] for s in stopped}
    assert certvault("seal", "stop", "no-such-seal", *at).returncode == 1
    operator = ("12990100MB9900179C", "--name", "样例市大数据中心")
    platform = json.loads(certvault("seal", "platform", *operator, "--json", *at).stdout)
    listed = {s["seal_id"]: s for s in json.loads(certvault("seal", "list", "--json", *at).stdout)}
    assert listed[platform["seal_id"]]["purpose"] == "usage-copy"
    assert certvault("seal", "platform", "12990100MB9900179X", *operator[1:], *at).returncode == 2


def _apply_a_changed_catalogue(at: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.schema.json"))
    licence = folder / "types" / "business-licence.yaml"
    text = licence.read_text(encoding="utf-8")
    licence.write_text(text.replace("name_en: Business Licence", "name_en: Trade Licence"), encoding="utf-8")
    refused = certvault("catalogue", "apply", str(folder), *at)
    assert refused.returncode == 1
    assert "expected version 3" in refused.stderr
    same = json.loads(certvault("catalogue", "apply", "--json", *at).stdout)
    assert same["added"] == same["changed"] == same["items"]["added"] == same["items"]["changed"] == []
    assert len(same["items"]["unchanged"]) == len(list((SHIPPED / "items").glob("*.yaml")))
    exported = json.loads(certvault("catalogue", "export", *at).stdout)
    assert {kind["code"] for kind in exported["types"]} == set(same["unchanged"])
    assert {item["code"] for item in exported["service_items"]} == set(same["items"]["unchanged"])
    assert {each["code"] for each in exported["materials"]} == set(same["materials"]["unchanged"])


def test_a_killed_parent_takes_its_children_along(founded: Path, tmp_path: Path) -> None:
    with running("up", "--data", str(founded), output=tmp_path / "up.log") as up:
        eventually((founded / RUNNING).exists, "the vault")
        children = children_of(up.pid)
        kill(up.pid)
        up.wait()
        eventually(lambda: not children_of(up.pid), "the children's end")
    assert "server" in children.values()
    assert certvault("fsck", "--data", str(founded)).returncode == 3  # the stale settings are not believed
    # The engines are orphans now: the next start finds and replaces them, and nothing is lost.
    done = certvault("up", "--exit", "--data", str(founded))
    assert done.returncode == 0, done.stderr
    assert engines_of(founded) == []


@pytest.mark.timeout(600)  # a dozen programs, each some seconds on a busy machine
def test_the_log_and_the_audit_trail_are_followed_by_command(founded: Path, tmp_path: Path) -> None:
    at = ("--data", str(founded))
    with running("up", *at, output=tmp_path / "up.log") as up:
        eventually(lambda: (founded / RUNNING).exists() and up.poll() is None, "the vault")
        _follow_the_log(at, demo_file(founded)["base_url"], tmp_path)


def _follow_the_log(at: tuple[str, ...], base_url: str, folder: Path) -> None:
    """What docs/transparency.md says: keys, the auditor's walk, the audit trail and its export."""
    assert certvault("log", "sequence", *at).returncode == 0
    key, seen, trail = folder / "log.vkey", folder / "seen.json", folder / "audit.jsonl"
    key.write_text(certvault("log", "key", *at).stdout, encoding="utf-8")
    follow = ("log", "verify", base_url, "--key", str(key), "--state", str(seen))
    first = certvault(*follow, "--json")
    assert first.returncode == 0, first.stdout + first.stderr
    (shard,) = json.loads(first.stdout)["shards"]
    assert shard["new_entries"] == shard["size"]
    note = folder / "mine.note"
    note.write_bytes(httpx.get(f"{base_url}/v1/log/checkpoint", trust_env=False).content)
    assert certvault(*follow, "--seen", str(note)).returncode == 0
    strange = folder / "strange.pdf"
    strange.write_bytes(b"never issued")
    before = seen.read_bytes()
    refused = certvault(*follow, "--document", str(strange))
    assert refused.returncode == 1
    assert "No entry names the file" in refused.stdout
    assert seen.read_bytes() == before
    assert certvault("audit", "verify", *at).returncode == 0
    look = ("--by", "auditor", "--purpose", "抽查", *at)
    found = json.loads(certvault("audit", "find", *look, "--action", "audit-find", "--json").stdout)
    assert len(
        json.loads(certvault("audit", "find", *look, "--actor", "auditor:auditor", "--json").stdout)
    ) > len(found)
    assert certvault("log", "sequence", *at).returncode == 0
    trail.write_text(certvault("audit", "export", *look).stdout, encoding="utf-8")
    checked = certvault("audit", "check", str(trail), "--key", str(key))
    assert (checked.returncode, ", 0 not proven" in checked.stdout) == (0, True), checked.stdout
    trail.write_text(trail.read_text(encoding="utf-8").replace('"audit-find"', '"view"'), encoding="utf-8")
    assert certvault("audit", "check", str(trail), "--key", str(key)).returncode == 1
