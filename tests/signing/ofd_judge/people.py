"""Who signs in these tests: SM2 keys and certificates made by `openssl`, signatures, too."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_ID = "distid:1234567812345678"
_DAYS = "3650"
_CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_LEAF = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n"


@dataclass(frozen=True)
class Person:
    """A key with its certificate (DER)."""

    key_pem: bytes
    certificate: bytes

    def sign(self, message: bytes) -> bytes:
        """SM2 with SM3 and the standard id, DER."""
        with TemporaryDirectory() as folder:
            key, data = Path(folder, "key.pem"), Path(folder, "data")
            key.write_bytes(self.key_pem)
            data.write_bytes(message)
            return openssl("dgst", "-sm3", "-sigopt", _ID, "-sign", str(key), str(data))


@dataclass(frozen=True)
class People:
    """A root and whom it vouches for, and one whom nobody knows."""

    root: Person
    maker: Person
    signer: Person
    other_signer: Person
    platform: Person
    stranger: Person

    @property
    def root_pem(self) -> bytes:
        """The root's certificate, PEM."""
        return pem_of(self.root.certificate)


@cache
def people() -> People:
    """The same for all tests of a process."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        root = _self_signed(place, "root", _CA)

        def issued(name: str) -> Person:
            return _issued(place, name, root)

        return People(
            root,
            issued("制章中心"),
            issued("样例市行政审批局"),
            issued("样例市自然资源局"),
            issued("样例平台"),
            _self_signed(place, "某某", _LEAF),
        )


def pem_of(certificate: bytes) -> bytes:
    """DER to PEM."""
    return openssl("x509", "-inform", "DER", stdin=certificate)


def verifies(person_certificate: bytes, message: bytes, signature: bytes) -> bool:
    """What openssl says of an SM2 signature over a message."""
    with TemporaryDirectory() as folder:
        key, data, value = (Path(folder, name) for name in ("key.pem", "data", "value"))
        key.write_bytes(openssl("x509", "-inform", "DER", "-noout", "-pubkey", stdin=person_certificate))
        data.write_bytes(message)
        value.write_bytes(signature)
        done = subprocess.run(
            [
                *("openssl", "dgst", "-sm3", "-sigopt", _ID, "-verify", str(key)),
                *("-signature", str(value), str(data)),
            ],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    """What openssl prints."""
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


def _key(place: Path, name: str) -> Path:
    path = place / f"{name}.key"
    path.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"))
    return path


def _self_signed(place: Path, name: str, extensions: str) -> Person:
    key, config = _key(place, name), place / f"{name}.cnf"
    config.write_text(f"[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n{extensions}")
    pem = openssl(
        *("req", "-x509", "-new", "-utf8", "-key", str(key), "-subj", f"/C=CN/O={name}/CN={name}"),
        *("-days", _DAYS, "-sm3", "-sigopt", _ID, "-config", str(config)),
    )
    (place / f"{name}.pem").write_bytes(pem)
    return Person(key.read_bytes(), openssl("x509", "-outform", "DER", stdin=pem))


def _issued(place: Path, name: str, root: Person) -> Person:
    key, extensions = _key(place, name), place / f"{name}.ext"
    extensions.write_text(_LEAF)
    issuer, issuer_key = place / "issuer.pem", place / "issuer.key"
    issuer.write_bytes(pem_of(root.certificate))
    issuer_key.write_bytes(root.key_pem)
    subject = f"/C=CN/O={name}/CN={name}"
    request = openssl(*("req", "-new", "-utf8", "-key", str(key), "-subj", subject, "-sm3", "-sigopt", _ID))
    der = openssl(
        *("x509", "-req", "-CA", str(issuer), "-CAkey", str(issuer_key), "-days", _DAYS, "-sm3"),
        *("-sigopt", _ID, "-vfyopt", _ID, "-extfile", str(extensions), "-outform", "DER"),
        *("-set_serial", str(int.from_bytes(key.read_bytes()[40:47], "big"))),
        stdin=request,
    )
    return Person(key.read_bytes(), der)
