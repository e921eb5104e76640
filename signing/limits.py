"""What a confined child may not do: take memory or time, speak to anybody, start or write anything."""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Sequence
from pathlib import Path

MEMORY_MAX_BYTES = 1024 * 1024 * 1024  # address space, the interpreter and its libraries included
CPU_MAX_S = 20
# The answer has to be out within 30 seconds, also the one that says that the child was stopped
KILLED_AFTER_S = 29.0
DESCRIPTORS_MAX = 64

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h
# linux/seccomp.h: a filter, for all threads that there are
_SET_MODE_FILTER, _EVERY_THREAD = 1, 1
# linux/landlock.h, its first version; newer kernels take it, too
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_TELL_VERSION = 1
_EVERY_FILE_ACCESS, _READ_FILE_OR_FOLDER, _PATH_BENEATH = 0x1FFF, 0b1100, 1
# linux/seccomp.h, linux/audit.h
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_AUDIT_X86_64, _AUDIT_AARCH64 = 0xC000003E, 0xC00000B7
_X32_BIT = 0x40000000  # x86_64's second set of numbers for the same calls
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32  # places in struct seccomp_data
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
# What `openat` must not ask for where files may be read
_OPEN_TO_WRITE = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND | (os.O_TMPFILE & ~os.O_DIRECTORY)

# Calls by number. Network: socket, connect, accept, bind, listen, socketpair, accept4, io_uring_setup.
# Files, to read as to write: open, openat, creat, openat2, open_by_handle_at; rename, mkdir, rmdir, link,
# unlink, symlink, chmod, chown, lchown, truncate, mount and their relatives with `at`.
# Kinds, times, attributes: mknod, mknodat; utime, utimes, futimesat, utimensat; setxattr, removexattr, with l
# and f before them and `at` behind; file_setattr, fchmodat2.
# Processes: clone, fork, vfork, execve, kill, ptrace, tkill, tgkill, process_vm_readv/writev, execveat,
# pidfd_send_signal, pidfd_open, pidfd_getfd, clone3, unshare, setns; rt_sigqueueinfo, rt_tgsigqueueinfo.
# Limits: setrlimit, prlimit64. Kernel: bpf, userfaultfd, keys, perf_event_open, kexec, modules.
_X86_64 = (
    *(41, 42, 43, 49, 50, 53, 288, 425),
    *(2, 257, 85, 437, 304),
    *(76, 82, 83, 84, 86, 87, 88, 90, 92, 94, 165, 258, 260, 263, 264, 265, 266, 268, 316),
    *(133, 259, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 463, 466, 469, 452),
    *(56, 57, 58, 59, 62, 101, 200, 234, 310, 311, 322, 424, 434, 438, 435, 272, 308, 129, 297),
    *(160, 302),
    *(246, 248, 249, 250, 298, 313, 320, 321, 323),
)
_AARCH64 = (
    *(198, 199, 200, 201, 202, 203, 242, 425),
    *(56, 437, 265),
    *(33, 34, 35, 36, 37, 38, 40, 45, 53, 54, 276),
    *(88, 5, 6, 7, 14, 15, 16, 463, 466, 469, 452),
    *(220, 221, 117, 129, 130, 131, 270, 271, 281, 424, 434, 438, 435, 97, 268, 138, 240),
    *(164, 261),
    *(104, 105, 217, 218, 219, 241, 273, 280, 282, 294),
)
# What the kernel calls the machine; the calls; of them `seccomp` itself, and `openat`.
_MACHINES = {
    "x86_64": (_AUDIT_X86_64, _X86_64, 317, 257),
    "aarch64": (_AUDIT_AARCH64, _AARCH64, 277, 56),
}


def confine(
    killed_after_s: float = KILLED_AFTER_S, *, cpu_max_s: int = CPU_MAX_S, reading: Sequence[Path] = ()
) -> None:
    """Put this process with all its threads under all limits, for good.

    1. the kernel kills it when its parent ends, and at `killed_after_s`; 2. memory, CPU time, no core, no
    byte written to a file; 3. no new privileges, and calls for network, files and processes refused.

    What is left: computing, and speaking to the parent over the pair of sockets that is open already. Files
    cannot be opened, not even to be read: what libraries need has to be loaded before. With `reading`: files
    can be opened to be read; which of them is for `confine_reading` to say, which comes before.

    Raises:
        OSError: the kernel does not do one of these; nothing strange may be run then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)  # 1
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, killed_after_s)
    for what, most in (  # 2
        (resource.RLIMIT_AS, MEMORY_MAX_BYTES),
        (resource.RLIMIT_CPU, cpu_max_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS_MAX),
    ):
        resource.setrlimit(what, (most, most))
    _prctl(libc, _PR_SET_DUMPABLE, 0)  # 3
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    seccomp, program = _filter(may_read=bool(reading))
    held = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    _call(libc, seccomp, _SET_MODE_FILTER, _EVERY_THREAD, ctypes.c_char_p(header))


def confine_reading(folders: Sequence[Path]) -> None:
    """Let this thread, and those that it starts from now on, open nothing but what lies in these folders.

    By Landlock (Linux 5.13; Debian 12 has it). Nothing else keeps a stranger's program from our files, so
    where it is missing nothing of a stranger's may be run.

    Raises:
        OSError: a folder is not there, or the kernel has no Landlock, or refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack("Q", _EVERY_FILE_ACCESS)
    rules = _call(libc, _LANDLOCK_CREATE, ctypes.c_char_p(handled), len(handled), 0)
    for folder in folders:
        descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        beneath = struct.pack("=Qi", _READ_FILE_OR_FOLDER, descriptor)
        _call(libc, _LANDLOCK_ADD, rules, _PATH_BENEATH, ctypes.c_char_p(beneath), 0)
        os.close(descriptor)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _call(libc, _LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def landlock_version() -> int:
    """The version of Landlock that this kernel offers; 0 where it has none, or keeps it from us."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        return _call(libc, _LANDLOCK_CREATE, None, 0, _TELL_VERSION)
    except OSError:
        return 0


def _filter(*, may_read: bool) -> tuple[int, bytes]:
    """The number of `seccomp`, and the program that the kernel runs at every call (BPF, 8 bytes a step)."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"No list of calls for {machine}")
    audit, refused, seccomp, openat = _MACHINES[machine]
    program = [
        _step(_LOAD, 0, 0, _ARCHITECTURE),
        _step(_EQUAL, 1, 0, audit),
        _step(_RETURN, 0, 0, _KILL),
        _step(_LOAD, 0, 0, _NUMBER),
        _step(_AT_LEAST, 0, 1, _X32_BIT),
        _step(_RETURN, 0, 0, _REFUSE),
    ]
    if may_read:
        program += [
            _step(_EQUAL, 0, 4, openat),
            _step(_LOAD, 0, 0, _THIRD_ARGUMENT),
            _step(_ANY_BIT, 0, 1, _OPEN_TO_WRITE),
            _step(_RETURN, 0, 0, _REFUSE),
            _step(_RETURN, 0, 0, _ALLOW),
        ]
    for number in refused:
        program += [_step(_EQUAL, 0, 1, number), _step(_RETURN, 0, 0, _REFUSE)]
    return seccomp, b"".join([*program, _step(_RETURN, 0, 0, _ALLOW)])


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _prctl(libc: ctypes.CDLL, option: int, *arguments: object) -> None:
    padded = [*arguments, 0, 0, 0][:4]
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in padded]
    if libc.prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    """A call that the C library has no name for. `seccomp` answers with a thread that it cannot bind."""
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    answer: int = libc.syscall(ctypes.c_long(number), *values)
    if answer < 0 or (answer > 0 and number != _LANDLOCK_CREATE):
        raise OSError(ctypes.get_errno(), f"syscall({number})")
    return answer
