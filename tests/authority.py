"""A small PKI by other hands (certomancer): seals, time-stamps, OCSP and CRLs, served over HTTP.

A root; below it an authority for seals with an OCSP responder and a CRL, and two for time-stamps with
CRLs. Its clock
is set by the tests: what it answers is of that time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig, PKIArchitecture
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from signing.keys import FileSealingKey, load_file_key
from signing.revocation import RevocationSource, RevocationSources

PASSPHRASE = b"only for tests"
ARCHITECTURE = "city"
ISSUERS = ("seals", "stamps", "stamps2")
KEYS = ("root", *ISSUERS, "seals-ocsp", "tsa", "tsa2", "seal", "revoked")
FAKE_TIME = "HTTP_X_CERTOMANCER_FAKE_TIME"


@dataclass
class Authority:
    """The running PKI. `clock`: what time it is there, None for the real one.

    `refuses`: parts of paths that are answered with 503. `asked`: the paths of all requests.
    """

    folder: Path
    began: datetime
    url: str = ""
    clock: datetime | None = None
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    architecture: PKIArchitecture | None = None

    def certificate(self, label: str) -> bytes:
        """A certificate, DER."""
        assert self.architecture is not None
        found: asn1_x509.Certificate = self.architecture.get_cert(CertLabel(label))
        return bytes(found.dump())

    def key(self, label: str) -> FileSealingKey:
        """A seal's or another leaf's key with its chain but for the root."""
        assert self.architecture is not None
        spec = self.architecture.get_cert_spec(CertLabel(label))
        chain = ["seals"] if str(spec.issuer) == "seals" else ["stamps"]
        pem = b"".join(_pem(self.certificate(each)) for each in (label, *chain))
        private = load_der_private_key((self.folder / f"{label}.der").read_bytes(), None)
        key_pem = private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
        )
        return load_file_key(key_pem, PASSPHRASE, pem)

    def at(self, path: str) -> str:
        """The address of a service."""
        return f"{self.url}/{ARCHITECTURE}/{path}"

    @property
    def root(self) -> bytes:
        """The trusted root, DER."""
        return self.certificate("root")

    def sources(self) -> tuple[RevocationSource, ...]:
        """Where to ask about everything that it issued."""
        lists = {name: self.at(f"crls/{name}/latest.crl") for name in ("root", *ISSUERS)}
        return (
            RevocationSource(self.root, None, lists["root"]),
            RevocationSource(self.certificate("seals"), self.at("ocsp/seals"), lists["seals"]),
            RevocationSource(self.certificate("stamps"), None, lists["stamps"]),
            RevocationSource(self.certificate("stamps2"), None, lists["stamps2"]),
        )

    def revocation(self) -> RevocationSources:
        """A new client of these."""
        return RevocationSources(self.sources())

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:  # noqa: ANN401 - WSGI
        """Answers a request."""
        path = environ["PATH_INFO"]
        self.asked.append(path)
        if any(refused in path for refused in self.refuses):
            start("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        if self.clock is not None:
            environ[FAKE_TIME] = self.clock.isoformat()
        return self.animator(environ, start)

    animator: Callable[[WSGIEnvironment, StartResponse], Any] = field(default=lambda *_: [], repr=False)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def running_authority(folder: Path, *, began: datetime | None = None) -> Iterator[Authority]:
    """The PKI, serving until the block ends; its certificates are valid from an hour before `began`.

    `seal`, `tsa`: three years; `tsa2`: six; `revoked` is revoked ten days after `began`.
    """
    start = (began or datetime.now(UTC)).replace(microsecond=0)
    authority = Authority(folder, start)
    for name in KEYS:
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / f"{name}.der").write_bytes(
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        )
    server = make_server("127.0.0.1", 0, authority, threaded=True, request_handler=_Quiet)
    authority.url = f"http://127.0.0.1:{server.server_port}"
    config = CertomancerConfig(
        _configuration(start), key_search_dir=str(folder), external_url_prefix="http://nowhere.invalid"
    )
    authority.architecture = config.get_pki_arch(ArchLabel(ARCHITECTURE))
    store = AnimatorArchStore({ArchLabel(ARCHITECTURE): authority.architecture})
    authority.animator = Animator(store, with_web_ui=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(start: datetime) -> dict[str, Any]:
    def validity(days: int) -> dict[str, str]:
        since = start - timedelta(hours=1)
        return {"valid-from": since.isoformat(), "valid-to": (start + timedelta(days=days)).isoformat()}

    def usage(*names: str) -> dict[str, Any]:
        return {
            "id": "key_usage",
            "critical": True,
            "smart-value": {"schema": "key-usage", "params": list(names)},
        }

    def ca(length: int) -> list[dict[str, Any]]:
        limits = {"ca": True, "path-len-constraint": length}
        return [
            {"id": "basic_constraints", "critical": True, "value": limits},
            usage("key_cert_sign", "crl_sign"),
        ]

    def purpose(name: str, *, critical: bool = True) -> dict[str, Any]:
        return {"id": "extended_key_usage", "critical": critical, "value": [name]}

    def listed(issuer: str) -> dict[str, Any]:
        """Where its CRL is said to be: an address that nobody must follow, there is no such host."""
        value = {"schema": "crl-dist-url", "params": {"crl-repo-names": [issuer]}}
        return {"id": "crl_distribution_points", "smart-value": value}

    def stamp(issuer: str, days: int) -> dict[str, Any]:
        return {
            "issuer": issuer,
            "validity": validity(days),
            "extensions": [usage("digital_signature"), purpose("time_stamping"), listed(issuer)],
        }

    def responder(issuer: str) -> dict[str, Any]:
        extensions = [usage("digital_signature"), purpose("ocsp_signing"), {"id": "ocsp_no_check"}]
        return {"issuer": issuer, "validity": validity(10 * 365), "extensions": extensions}

    def issuing(days: int) -> dict[str, Any]:
        return {"issuer": "root", "validity": validity(days), "extensions": [*ca(0), listed("root")]}

    sealing = {
        "issuer": "seals",
        "validity": validity(3 * 365),
        "extensions": [
            usage("digital_signature", "non_repudiation"),
            listed("seals"),
            {
                "id": "authority_information_access",
                "smart-value": {"schema": "aia-urls", "params": {"ocsp-responder-names": ["seals"]}},
            },
        ],
    }
    services = {
        "ocsp": {
            "seals": {"for-issuer": "seals", "responder-cert": "seals-ocsp", "signing-key": "seals-ocsp"}
        },
        "crl-repo": {
            name: {"for-issuer": name, "signing-key": name, "simulated-update-schedule": "P1D"}
            for name in ("root", *ISSUERS)
        },
        "time-stamping": {
            name: {"signing-key": name, "signing-cert": name, "certs-to-embed": [issuer]}
            for name, issuer in (("tsa", "stamps"), ("tsa2", "stamps2"))
        },
    }
    return {
        "keysets": {
            ARCHITECTURE: {"keys": {name: {"path": f"{name}.der"} for name in KEYS}},
        },
        "pki-architectures": {
            ARCHITECTURE: {
                "keyset": ARCHITECTURE,
                "entity-defaults": {"country-name": "CN", "organization-name": "certvault tests"},
                "entities": {name: {"common-name": f"test {name}"} for name in KEYS},
                "certs": {
                    "root": {
                        "subject": "root",
                        "subject-key": "root",
                        "issuer": "root",
                        "authority-key": "root",
                        "validity": validity(30 * 365),
                        "extensions": ca(1),
                    },
                    "seals": issuing(20 * 365),
                    "stamps": issuing(20 * 365),
                    "stamps2": issuing(20 * 365),
                    "seals-ocsp": responder("seals"),
                    "tsa": stamp("stamps", 3 * 365),
                    "tsa2": stamp("stamps2", 6 * 365),
                    "seal": sealing,
                    "revoked": {
                        **sealing,
                        "revocation": {
                            "revoked-since": (start + timedelta(days=10)).isoformat(),
                            "reason": "key_compromise",
                        },
                    },
                },
                "services": services,
            }
        },
    }


def _pem(certificate: bytes) -> bytes:
    return bytes(pem.armor("CERTIFICATE", certificate))
