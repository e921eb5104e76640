"""SeaweedFS on one data folder: `weed mini`, one process with master, volume server, filer and S3.

`weed server` would do the same, but sleeps for fixed times: measured 3.2 s to ready and 15 s to stop,
where `weed mini` takes 0.7 s and 1.1 s.
"""

import json
import os
import secrets
import shutil
import signal
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from storage.embedded.folder import SECRET_BYTES, kept_secret, private_dir, write_private
from storage.embedded.placement import weed_program
from storage.embedded.ports import LOOPBACK, free_ports
from storage.embedded.processes import Engine, Family, settle, spawn

PROBE_TIMEOUT_S = 2.0
S3_IDENTITY = "certvault"
PORTS_FILE = "ports.json"  # the last launch's ports, by which its sockets are found
# Each bucket takes volumes of its own. This counts slots, no space is set aside; SeaweedFS's own guess goes
# by the free disk, and a suite that makes a bucket for each test would run out.
VOLUMES_MAX = 1024

# Every port by its option, so that none is derived (SeaweedFS adds 10000 for gRPC) and none is fixed.
_PORT_OPTIONS = {
    "s3": "-s3.port",
    "s3_grpc": "-s3.port.grpc",
    "filer": "-filer.port",
    "filer_grpc": "-filer.port.grpc",
    "volume": "-volume.port",
    "volume_grpc": "-volume.port.grpc",
    "master": "-master.port",
    "master_grpc": "-master.port.grpc",
    "admin": "-admin.port",
    "admin_grpc": "-admin.port.grpc",
}
_OPTIONS = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-master.peers=none",  # one master: leads at once, without an election
    "-master.telemetry=false",  # SeaweedFS reports to its makers unless told not to
    "-volume.preStopSeconds=0",  # time for a cluster to notice; there is none
    f"-volume.max={VOLUMES_MAX}",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-webdav=false",
    "-admin.ui=false",
)
# Only S3 may reach the filer and the volume server over HTTP; without keys any local user could.
_SIGNED_HOPS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
# Named here so that a machine-wide /etc/seaweedfs/filer.toml cannot lead this filer to another store.
_FILER_STORE = '[leveldb2]\nenabled = true\ndir = "./filerldb2"\n'


def _credentials_option(secrets_folder: Path) -> str:
    return f"-s3.config={secrets_folder / 's3.json'}"


def family(secrets_folder: Path) -> Family:
    """The server's one process, known by the credentials file that it was given."""
    return Family(
        programs=frozenset({"weed"}),
        marks=frozenset({_credentials_option(secrets_folder)}),
        title=None,
        stop_signal=lambda: signal.SIGTERM,
    )


def credentials(secrets_folder: Path) -> tuple[str, str]:
    """Access key and secret key, made at first use, in SeaweedFS's own form of configuration."""
    text = kept_secret(secrets_folder / "s3.json", _new_credentials)
    (pair,) = json.loads(text)["identities"][0]["credentials"]
    return pair["accessKey"], pair["secretKey"]


def _new_credentials() -> str:
    pair = {"accessKey": secrets.token_hex(10), "secretKey": secrets.token_urlsafe(SECRET_BYTES)}
    return json.dumps({"identities": [{"name": S3_IDENTITY, "credentials": [pair], "actions": ["Admin"]}]})


def launch(data: Path, secrets_folder: Path, log: Path) -> Engine:
    """Start the server on free ports. Needs the data folder held and no process of `family` running."""
    folder = private_dir(data / "seaweedfs")
    credentials(secrets_folder)  # the server reads the file, so it must be there
    sweep_sockets(data)
    # The master's state is named for its port and holds its address. All that it must know comes back with
    # the volume server's first report, so each start begins with a new one.
    for stale in folder.glob("m[0-9]*"):
        shutil.rmtree(stale)
    hops = [f'[{name}]\nkey = "{secrets.token_urlsafe(SECRET_BYTES)}"\n' for name in _SIGNED_HOPS]
    write_private(folder / "security.toml", "".join(hops))
    write_private(folder / "filer.toml", _FILER_STORE)
    ports = dict(zip(_PORT_OPTIONS, free_ports(len(_PORT_OPTIONS)), strict=True))
    write_private(folder / PORTS_FILE, json.dumps(ports))
    # "." and not the path, which SeaweedFS would split at a comma.
    argv = [str(weed_program()), "-logtostderr=true", "mini", "-dir=.", _credentials_option(secrets_folder)]
    argv += [f"{_PORT_OPTIONS[purpose]}={port}" for purpose, port in ports.items()]
    # HOME: SeaweedFS reads settings from the folder it stands in, then from HOME.
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = spawn([*argv, *_OPTIONS], log=log, account=None, cwd=folder, env=env)
    return Engine("SeaweedFS", process, ports, log)


def ready(engine: Engine, data: Path, secrets_folder: Path) -> Engine:
    """Wait until S3 answers a signed request; the engine that does. Raises `Unavailable`."""
    access_key, secret_key = credentials(secrets_folder)

    def answers(tried: Engine) -> bool:
        pool = urllib3.PoolManager(retries=False, timeout=PROBE_TIMEOUT_S)
        address = f"{LOOPBACK}:{tried.ports['s3']}"
        client = Minio(address, access_key=access_key, secret_key=secret_key, secure=False, http_client=pool)
        try:
            client.list_buckets()
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        finally:
            pool.clear()
        return True

    return settle(engine, lambda: launch(data, secrets_folder, engine.log), answers)


def sweep_sockets(data: Path) -> None:
    """Remove the Unix sockets that the last launch left in /tmp; SeaweedFS offers no other place for them."""
    record = data / "seaweedfs" / PORTS_FILE
    if not record.exists():
        return
    for port in json.loads(record.read_text(encoding="utf-8")).values():
        for stale in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - SeaweedFS's place, not ours
            if stale.is_socket() and stale.lstat().st_uid == os.geteuid():
                stale.unlink(missing_ok=True)
    record.unlink()
