"""Edited templates: what one can do to the child that sets it, and to us, which is nothing."""

import errno
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import signing
from signing.trial import Fault, Pictures, asking, try_template
from signing.trial.asking import ANSWER_MAX_BYTES
from signing.typeset import template_source
from signing.wire import receive, send
from tests.signing.typeset.pages import KINDS, example_data

KIND = next(iter(KINDS.values()))

# Bound as the child of a trial is, with a thread that was there before and one that came after.
TRY = """
import os, queue, socket, sys, threading
from pathlib import Path
folder, outside = Path(sys.argv[1]), sys.argv[2]
from signing.limits import confine, confine_reading

def trying():
{code}

def attempt(answers):
    try:
        trying()
    except OSError as error:
        answers.put(str(error.errno))
    else:
        answers.put("done")

go, answers = threading.Event(), queue.SimpleQueue()
before = threading.Thread(target=lambda: (go.wait(), attempt(answers)))
before.start()
confine_reading((folder,))
after = threading.Event()
later = threading.Thread(target=lambda: (after.wait(), attempt(answers)))
later.start()
confine(reading=(folder,))
found = []
attempt(answers)
found.append(answers.get())
go.set()
found.append(answers.get())
after.set()
found.append(answers.get())
print(*found, flush=True)
os._exit(0)
"""
PERMITTED, DENIED, REFUSED = "done", str(errno.EACCES), str(errno.EPERM)
# What is tried, and what it comes to: in the main thread and one that came after Landlock, and in one that
# was there before it, which seccomp alone binds.
TRIES = {
    "read inside": ("open(folder / 'here').read()", PERMITTED, PERMITTED),
    "read outside": ("os.open(outside, os.O_RDONLY)", DENIED, PERMITTED),
    "read up and out": ("os.open(folder / '..' / 'outside', os.O_RDONLY)", DENIED, PERMITTED),
    "write": ("os.open(folder / 'here', os.O_WRONLY)", REFUSED, REFUSED),
    "read and write": ("os.open(folder / 'here', os.O_RDWR)", REFUSED, REFUSED),
    "make": ("os.open(folder / 'new', os.O_RDONLY | os.O_CREAT)", REFUSED, REFUSED),
    "empty": ("os.open(folder / 'here', os.O_RDONLY | os.O_TRUNC)", REFUSED, REFUSED),
    "make without a name": ("os.open(folder, os.O_TMPFILE | os.O_WRONLY)", REFUSED, REFUSED),
    "delete": ("os.unlink(folder / 'here')", REFUSED, REFUSED),
    "connect": ("socket.socket(socket.AF_INET, socket.SOCK_STREAM)", REFUSED, REFUSED),
    "speak to a neighbour": ("socket.socket(socket.AF_UNIX)", REFUSED, REFUSED),
    "fork": ("os.fork()", REFUSED, REFUSED),
    "start a program": ("os.execv('/bin/true', ['/bin/true'])", REFUSED, REFUSED),
}


@pytest.mark.parametrize("what", TRIES)
def test_what_a_trial_may_not_do(what: str, tmp_path: Path) -> None:
    code, bound, bound_by_seccomp = TRIES[what]
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    (folder / "here").write_text("x")
    outside.write_text("secret")
    done = subprocess.run(
        [sys.executable, "-c", TRY.format(code=textwrap.indent(code, "    ")), folder, outside],
        env={**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [bound, bound_by_seccomp, bound], done.stderr
    assert (folder / "here").read_text() == "x"
    assert [each.name for each in folder.iterdir()] == ["here"]


def tried(source: str) -> Pictures | Fault:
    return try_template(KIND.template, source, example_data(KIND))


def test_the_template_as_it_is_shipped_comes_as_pictures() -> None:
    came = tried(template_source(KIND.template))
    assert isinstance(came, Pictures), came
    assert came.page_count >= 1


BOMBS = {
    "a loop without end": "#let x = 0\n#while true { x = x + 1 }",
    "a computation without end": "#for i in range(9000) { for j in range(9000) { let k = i * j } }",
    "a call without end": "#let again() = again()\n#again()",
    "a giant text": '#let much = "0123456789" * 200000000\n#much.len()',
    "a doubling": "#let x = (1,)\n#for i in range(40) { x = x + x }",
    "a hundred thousand pages": "#for i in range(100000) { pagebreak(weak: false) }",
    "a page of kilometres": "#set page(width: 100000cm, height: 100000cm)\nx",
}


@pytest.mark.parametrize("what", BOMBS)
def test_whatever_a_template_does_ends_in_a_fault(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time, which is shorter here, or the child is stopped: that, too, is a fault."""
    with monkeypatch.context() as shorter:
        shorter.setattr(asking, "KILLED_AFTER_S", 2.5)
        came = tried(BOMBS[what])
    assert isinstance(came, Fault), came
    assert came.message
    # And the next is set as if nothing had been.
    if what == "a giant text":
        assert isinstance(tried("x"), Pictures)


def test_without_landlock_no_page_is_set() -> None:
    """As on a kernel that has no such call."""
    code = """
import sys
import signing.limits
signing.limits._LANDLOCK_CREATE = 9_999
assert signing.limits.landlock_version() == 0
from signing.trial.child import main
main(int(sys.argv[1]))
"""
    ours, theirs = socket.socketpair()
    job = {"template": KIND.template, "source": "x", "data": example_data(KIND)}
    with ours:
        with theirs:
            child = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)},
                pass_fds=(theirs.fileno(),),
            )
        with child:
            send(ours, json.dumps(job).encode())
            answer = json.loads(receive(ours, ANSWER_MAX_BYTES))
    assert "no Landlock" in answer["message"]
    assert "pages" not in answer


PNG = "iVBORw0KGgo="  # the first eight bytes


@pytest.mark.parametrize(
    "answer",
    [
        {"message": "\ud800", "detail": ""},
        {"message": "", "detail": "\udfff"},
        {"message": "no detail"},
        {"pages": [], "page_count": 0},
        {"pages": [PNG], "page_count": 0},
        {"pages": [PNG], "page_count": True},
        {"pages": [PNG] * 5, "page_count": 5},
        {"pages": ["AAAA"], "page_count": 1},
        {"pages": "x", "page_count": 1},
        [],
        None,
    ],
)
def test_what_a_child_says_is_held_to_its_form(
    answer: Mapping[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "receive", lambda *_: json.dumps(answer).encode())
    came = tried("x")
    assert isinstance(came, Fault)
    assert came.message == "Setting the page ended in nonsense."
