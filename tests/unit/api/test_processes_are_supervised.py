"""Listening on a port, and a parent that looks after its children."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from api import supervise
from api.supervise import ChildPlan, Supervisor, listen, listen_near
from tests.programs import PROJECT, children_of, environment, eventually
from vault.errors import Conflict, InputError

LOOPBACK = "127.0.0.1"


def test_a_busy_port_is_a_conflict_that_names_it() -> None:
    with listen(LOOPBACK, 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(Conflict, match=str(port)):
            listen(LOOPBACK, port)


def test_a_host_that_is_none_is_told() -> None:
    with pytest.raises(InputError, match=r"no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 0)


def test_near_a_busy_port_the_next_free_one_is_taken() -> None:
    with listen(LOOPBACK, 0) as first:
        port = first.getsockname()[1]
        with listen_near(LOOPBACK, port) as second:
            assert second.getsockname()[1] != port
            with socket.create_connection(second.getsockname()):
                pass


def test_past_the_last_port_any_free_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "PORTS_NEARBY", 0)
    with listen_near(LOOPBACK, 65535) as listening:
        assert listening.getsockname()[1] != 65535


def test_a_child_that_always_dies_is_tried_again_ever_later(tmp_path: Path) -> None:
    told: list[str] = []
    others = children_of(os.getpid())  # the suite has a child of its own: the identity provider
    plans = (ChildPlan("broken", ("no-such-role",)),)
    settings = environment({"CERTVAULT_MODE": "nonsense"})
    with Supervisor(plans, settings, tmp_path / "log", told.append) as supervisor:
        eventually(lambda: supervisor.look_after() >= 3, "three deaths")
    assert [line.rpartition("again in ")[2] for line in told] == ["0.5 s.", "1 s.", "2 s."]
    assert "CERTVAULT_MODE" in (tmp_path / "log").read_text(encoding="utf-8")
    assert children_of(os.getpid()) == others


def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = tmp_path / "api"
    deaf.mkdir()
    (deaf / "__init__.py").touch()
    (deaf / "child.py").write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(supervise, "STOP_TIMEOUT_S", 0.2)
    log = tmp_path / "log"
    settings = {**environment(None), "PYTHONPATH": str(tmp_path)}
    with Supervisor((ChildPlan("deaf", ()),), settings, log, print) as supervisor:
        eventually(lambda: log.exists() and log.read_text(encoding="ascii"), "the child")
        (child,) = [child.process for child in supervisor._children]  # noqa: SLF001 - to see it die
        started = time.monotonic()
    assert child.returncode == -9
    assert time.monotonic() - started < 60
    assert PROJECT.joinpath("api/child.py").exists()


def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with supervise.stopped_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, signal.SIG_IGN}
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
