"""The judging children: what they may not do, what becomes of those that die, that none is left behind."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

import signing
from signing.confined import Judges, messages
from signing.confined.limits import CPU_MAX_S, KILLED_AFTER_S, MEMORY_MAX_BYTES
from signing.examination import Examined, examine, not_judged
from signing.judge.revocation import RevocationKnowledge
from signing.validate import PDF_SIZE_MAX_BYTES, ListedSeal, Trust
from tests.signing import attacks
from tests.signing.ofd_judge import attacks as ofd_attacks
from tests.signing.ofd_judge.making import NOW as OFD_NOW
from tests.signing.ofd_judge.making import ours, packed
from tests.signing.ofd_judge.people import people
from tests.signing.workshop import NOW, Workshop, tiny_pdf
from vault.errors import Unavailable
from vault.model.verdict import CheckResult, Indication

GONE_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    with Judges(2) as pool:
        yield pool


def examined(pool: Judges, content: bytes, workshop: Workshop) -> Examined:
    return pool.examine(content, trust=attacks.listed(workshop), at=NOW)


def zygote_of(pool: Judges) -> int:
    zygote = pool._zygote  # noqa: SLF001 - what a test kills
    assert zygote is not None
    return zygote.pid


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_gone(process: int) -> None:
    """Until a process, by its descriptor, has ended."""
    ended, _, _ = select.select([process], [], [], GONE_WITHIN_S)
    os.close(process)
    assert ended, "it is still there"


def test_a_child_finds_what_the_judge_finds(judges: Judges, workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    for content in (sealed, attacks.language_between(workshop), tiny_pdf(), b"", b"%PDF-1.7\n%%EOF"):
        here = examine(content, trust=attacks.listed(workshop), at=NOW)
        assert examined(judges, content, workshop) == here


def test_a_child_judges_an_ofd_as_it_is_judged_here(judges: Judges) -> None:
    good = packed(ours())
    for content in (
        good,
        ofd_attacks.two_files_in_one(),
        ofd_attacks.doctype(),
        ofd_attacks.transplanted_value(),
        ofd_attacks.first_version(),
        good[:-1],
        b"PK",
    ):
        here = examine(content, trust=ofd_attacks.listed(), at=OFD_NOW)
        assert judges.examine(content, trust=ofd_attacks.listed(), at=OFD_NOW) == here
    as_roots_of_its_own = Trust((), national=(people().root.certificate,))
    (seal, lock) = judges.examine(good, trust=as_roots_of_its_own, at=OFD_NOW).seals
    assert seal.indication is lock.indication is Indication.TOTAL_PASSED


def test_a_child_judges_one_file_and_another_takes_its_place(judges: Judges, workshop: Workshop) -> None:
    examined(judges, tiny_pdf(), workshop)
    before = set(children_of(zygote_of(judges)))
    for _ in range(4):
        examined(judges, tiny_pdf(), workshop)
    assert not before & set(children_of(zygote_of(judges)))


def test_children_work_at_once(judges: Judges, workshop: Workshop) -> None:
    sealed, found = attacks.by_hand(workshop).fill(), []
    threads = [
        Thread(target=lambda: found.append(examined(judges, sealed, workshop).seals[0].indication))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Indication.TOTAL_PASSED] * 6


def test_a_file_that_takes_too_long_becomes_a_report(workshop: Workshop) -> None:
    with Judges(1, killed_after_s=0.001) as pool:
        (report,) = examined(pool, attacks.by_hand(workshop).fill(), workshop).seals
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")
    assert [(check.name, check.result) for check in report.checks] == [("judged", CheckResult.FAILED)]
    assert "too long" in report.checks[0].detail


def test_a_file_over_the_cap_is_not_even_sent(judges: Judges, workshop: Workshop) -> None:
    (report,) = examined(judges, bytes(PDF_SIZE_MAX_BYTES + 1), workshop).seals
    assert report.checks[0].name == "readable"


@pytest.mark.parametrize("who", ["children", "zygote", "both"])
def test_the_pool_mends_itself(who: str, workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    with Judges(2) as pool:
        assert examined(pool, sealed, workshop).seals[0].indication is Indication.TOTAL_PASSED
        zygote = zygote_of(pool)
        killed = children_of(zygote) if who != "zygote" else []
        killed += [zygote] if who != "children" else []
        handles = handles_of(killed)
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            wait_gone(handle)
        for _ in range(3):
            assert examined(pool, sealed, workshop).seals[0].indication is Indication.TOTAL_PASSED


def test_nothing_is_started_before_and_nothing_left_behind(workshop: Workshop) -> None:
    pool = Judges(2)
    with pytest.raises(Unavailable):
        examined(pool, tiny_pdf(), workshop)
    with pool:
        examined(pool, tiny_pdf(), workshop)
        pids = [zygote_of(pool), *children_of(zygote_of(pool))]
        handles = handles_of(pids)
    for handle in handles:
        wait_gone(handle)
    with pytest.raises(Unavailable):
        examined(pool, tiny_pdf(), workshop)


def handles_of(pids: list[int]) -> list[int]:
    """Of those that are still there: a child that has judged its one file ends by itself."""
    handles = []
    for pid in pids:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    return handles


OWNER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from signing.confined import Judges
from signing.validate import Trust
with Judges(2) as pool:
    pool.examine(b"%PDF-1.7", trust=Trust(()), at=datetime.now(UTC))
    zygote = pool._zygote.pid
    print(zygote, Path(f"/proc/{zygote}/task/{zygote}/children").read_text(), flush=True)
    time.sleep(600)
"""


def test_killing_the_owner_leaves_no_child_behind() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=environment) as owner:
        try:
            assert owner.stdout is not None
            zygote, *children = (int(pid) for pid in owner.stdout.readline().split())
            assert children
            handles = handles_of([zygote, *children])
            assert len(handles) > 1  # the zygote, and one at least that stands ready
        finally:
            owner.kill()
    for handle in handles:
        wait_gone(handle)


# What a child that a file has taken over would try, and what it must come to.
TRIES = {
    "connect": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "udp": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "read a file": "open('/etc/passwd')",
    "write a file": "open('/tmp/certvault-child', 'w')",
    "start a program": "import os; os.execv('/bin/true', ['/bin/true'])",
    "fork": "import os; os.fork()",
    "kill": "import os; os.kill(os.getppid(), 0)",
    "raise its limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "memory": "bytearray(1 << 30)",
    "write through a descriptor": "import os; os.write(log, b'x')",
}
TRY = """
import os, resource, signal, socket, sys, tempfile
log = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from signing.confined.limits import confine
print("confined", flush=True)
confine()
try:
{code}
except (OSError, MemoryError, ValueError) as error:
    print(type(error).__name__, flush=True)
    os._exit(7)
os._exit(0)
"""


@pytest.mark.parametrize("what", TRIES)
def test_what_a_child_may_not_do(what: str, tmp_path: Path) -> None:
    code = TRY.format(code="\n".join(f"    {line}" for line in TRIES[what].split("; ")))
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "log"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("confined"), done.stderr
    assert done.returncode == 7, done.stdout + done.stderr


def test_time_and_memory_are_limited_by_the_kernel() -> None:
    code = """
import resource, signal
from signing.confined.limits import confine
said, truly = {}, resource.setrlimit
def limit(what, most):
    said[what] = most
    truly(what, most)
resource.setrlimit = limit
confine()
print(said[resource.RLIMIT_CPU], said[resource.RLIMIT_AS], round(signal.getitimer(signal.ITIMER_REAL)[0]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    cpu, memory = (CPU_MAX_S, CPU_MAX_S), (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES)
    assert done.stdout.strip() == f"{cpu} {memory} {round(KILLED_AFTER_S)}"
    assert MEMORY_MAX_BYTES == 1 << 30
    assert KILLED_AFTER_S < 30


def test_answers_are_read_as_strictly_as_anything_from_outside() -> None:
    good = messages.answer(not_judged("x"))
    assert messages.read_answer(good) == not_judged("x")
    for bad in (
        b"",
        b"[]",
        b"{}",
        b"{" * 100_000,
        good.replace(b"INDETERMINATE", b"genuine"),
        b'{"seals": 1}',
    ):
        with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
            messages.read_answer(bad)


def test_a_message_that_is_too_long_or_too_slow_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall((1 << 40).to_bytes(messages.LENGTH_BYTES, "big"))
        with pytest.raises(ValueError, match="bytes"):
            messages.receive(ours, messages.ANSWER_MAX_BYTES)
        with suppress(OSError):
            theirs.sendall(b"\0")
        with pytest.raises(TimeoutError):
            messages.receive(ours, messages.ANSWER_MAX_BYTES, time.monotonic())


def test_a_child_believes_what_its_parent_does() -> None:
    at = NOW
    seals = (ListedSeal("ab" * 32, "11990100MB99000131", at, None), ListedSeal("cd" * 32, "x", at, at))
    knowledge = RevocationKnowledge((b"\x30\x00",), (b"\x30\x01\x00",), required=True)
    for trust in (Trust((b"\x30",)), Trust((b"\x30", b"\x31"), seals, knowledge)):
        assert messages.read_job(messages.job(trust, at)) == (trust, at)
