"""SeaweedFS in parts: a master, three volume servers of one rack, a filer, two S3 gateways; all twice."""

import json
import secrets
import socket
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from minio import Minio
from minio.error import MinioException

from storage.embedded.folder import private_dir, write_private
from storage.embedded.placement import weed_program
from storage.embedded.ports import LOOPBACK, free_ports
from storage.embedded.seaweedfs import credentials
from tests.rehearsal.programs import Program

VOLUME_SERVERS = 3
GATEWAYS = 2
# Second digit of SeaweedFS's three: one more copy in another server of the same rack.
REPLICATION = "001"
VOLUME_MB = 256
VOLUMES_MAX = 200
PROBE_TIMEOUT_S = 2.0
_SIGNED_HOPS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
_FILER_STORE = '[leveldb2]\nenabled = true\ndir = "./filerldb2"\n'
KIND = "SeaweedFS"


@dataclass(frozen=True, slots=True)
class Store:
    """The store's parts. `gateways`: they speak S3, each on its port of `gateway_ports`."""

    master: Program
    volumes: tuple[Program, ...]
    filer: Program
    gateways: tuple[Program, ...]
    master_port: int
    gateway_ports: tuple[int, ...]
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def programs(self) -> tuple[Program, ...]:
        """In the order in which they start."""
        return (self.master, *self.volumes, self.filer, *self.gateways)

    def copies(self) -> dict[int, int]:
        """On how many servers each volume is, by its number, as the master knows."""
        found: dict[int, int] = {}
        for center in _asked(self.master_port, "/dir/status")["Topology"]["DataCenters"] or ():
            for rack in center["Racks"] or ():
                for node in rack["DataNodes"] or ():
                    for volume in _numbers(node["VolumeIds"]):
                        found[volume] = found.get(volume, 0) + 1
        return found


def make_store(folder: Path, keys: Path) -> Store:
    """The store's programs, not started yet."""
    weed = str(weed_program())
    access_key, secret_key = credentials(private_dir(keys))
    security = "".join(f'[{name}]\nkey = "{secrets.token_urlsafe(32)}"\n' for name in _SIGNED_HOPS)
    ports = iter(free_ports(4 + 2 * VOLUME_SERVERS + 2 * GATEWAYS))
    bound = [f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"]

    def part(name: str, port: int, path: str | None, arguments: list[str]) -> Program:
        home = private_dir(folder / name)
        write_private(home / "security.toml", security)
        write_private(home / "filer.toml", _FILER_STORE)
        return Program(
            name,
            KIND,
            [weed, "-logtostderr=true", *arguments, *bound],
            home,
            {"PATH": "/usr/bin:/bin", "HOME": str(home)},
            partial(_is_up, port, path),
        )

    port, grpc = next(ports), next(ports)
    master_port, peer = port, f"{LOOPBACK}:{port}.{grpc}"
    arguments = ["master", f"-port={port}", f"-port.grpc={grpc}", "-mdir=.", "-peers=none"]
    arguments += [f"-defaultReplication={REPLICATION}", f"-volumeSizeLimitMB={VOLUME_MB}"]
    arguments += ["-telemetry=false"]
    master = part(
        "master",
        port,
        "/cluster/status",
        arguments,
    )
    volumes = []
    for n in range(VOLUME_SERVERS):
        port, grpc = next(ports), next(ports)
        arguments = ["volume", f"-port={port}", f"-port.grpc={grpc}", "-dir=.", f"-master={peer}"]
        arguments += ["-dataCenter=dc1", "-rack=rack1", f"-max={VOLUMES_MAX}", "-preStopSeconds=0"]
        volumes.append(part(f"volume-{n + 1}", port, "/status", arguments))
    port, grpc = next(ports), next(ports)
    arguments = ["filer", f"-port={port}", f"-port.grpc={grpc}", f"-master={peer}"]
    arguments += [f"-defaultReplicaPlacement={REPLICATION}"]
    filer, filer_peer = part("filer", port, None, arguments), f"{LOOPBACK}:{port}.{grpc}"
    gateways, gateway_ports = [], []
    for n in range(GATEWAYS):
        port, grpc = next(ports), next(ports)
        arguments = ["s3", f"-port={port}", f"-port.grpc={grpc}", f"-filer={filer_peer}"]
        arguments += [f"-config={keys / 's3.json'}", "-port.iceberg=0", "-port.lance=0"]
        gateway = part(f"s3-{n + 1}", port, None, arguments)
        gateway.answers = partial(_s3_answers, f"{LOOPBACK}:{port}", access_key, secret_key)
        gateways.append(gateway)
        gateway_ports.append(port)
    return Store(
        master,
        tuple(volumes),
        filer,
        tuple(gateways),
        master_port,
        tuple(gateway_ports),
        access_key,
        secret_key,
    )


def _asked(port: int, path: str) -> Any:  # noqa: ANN401 - SeaweedFS's JSON
    address = f"http://{LOOPBACK}:{port}{path}"
    with urllib.request.urlopen(address, timeout=PROBE_TIMEOUT_S) as answer:
        return json.load(answer)


def _is_up(port: int, path: str | None) -> bool:
    """Whether it answers this question; without one, whether it listens."""
    try:
        if path is None:
            socket.create_connection((LOOPBACK, port), PROBE_TIMEOUT_S).close()
        else:
            _asked(port, path)
    except (OSError, ValueError):
        return False
    return True


def _s3_answers(address: str, access_key: str, secret_key: str) -> bool:
    pool = urllib3.PoolManager(retries=False, timeout=PROBE_TIMEOUT_S)
    client = Minio(address, access_key=access_key, secret_key=secret_key, secure=False, http_client=pool)
    try:
        client.list_buckets()
    except (MinioException, urllib3.exceptions.HTTPError):
        return False
    finally:
        pool.clear()
    return True


def _numbers(text: str) -> set[int]:
    """SeaweedFS's `1-3 7`."""
    found: set[int] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found
