"""Makes the conformance vectors: an authority by other hands, and attacks on files that we sealed."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.judge.revocation import RevocationKnowledge
from signing.keys import SignatureAlgorithm
from signing.log_key import new_log_key, read_log_key
from signing.log_note import sign_checkpoint, verifier_key
from tests.authority import Authority, running_authority
from tests.signing import attacks
from tests.signing.test_long_term import DAY, at, known, raised, sealed, tsa_of
from tests.signing.workshop import NOW, Workshop, new_workshop, tiny_pdf
from vault.tlog.checkpoint import Checkpoint

FILES = Path(__file__).parent / "files"
# Long enough ago that a vector's whole life lies behind us when it is published.
BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
ISSUER, ANOTHER = attacks.AUTHORITY, "11990100MB99000131"
# Whose seal a key of the workshop is.
ANOTHERS, UNLISTED = SignatureAlgorithm.RSA_PKCS1_SHA256, SignatureAlgorithm.RSA_PSS_SHA256
ORIGIN = "vault.example/certvault/2026"
_PASSED, _FAILED, _OPEN = "TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"


@dataclass
class Maker:
    """Writes files and keeps what is expected of them."""

    folder: Path
    authority: Authority
    workshop: Workshop
    vectors: list[dict[str, Any]] = field(default_factory=list)

    def seal(
        self,
        name: str,
        content: bytes,
        moment: datetime,
        indication: str,
        sub: str | None = None,
        *,
        failed: tuple[str, ...] = (),
        knowledge: RevocationKnowledge | None = None,
        authority: str | None = ISSUER,
    ) -> None:
        """A sealed file. `failed`: checks each of which must fail or be left open; others may, too."""
        (self.folder / name).write_bytes(content)
        self.vectors.append(
            {
                "file": name,
                "of": "seal",
                "at": moment.isoformat(),
                "answers": [] if knowledge is None else self._answers(name, knowledge),
                "revocation_required": knowledge is not None and knowledge.required,
                "indication": indication,
                "sub_indication": sub,
                "not_passed": sorted(failed),
                "authority": authority,
                "issued_by": ISSUER,
            }
        )

    def record(self, name: str, record: dict[str, Any], on: str, reason: str | None) -> None:
        """What a vault's record says; `reason` None: in force on that day."""
        (self.folder / name).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n")
        self.vectors.append({"file": name, "of": "record", "on": on, "reason": reason})

    def _answers(self, name: str, knowledge: RevocationKnowledge) -> list[str]:
        stem = name.removesuffix(".pdf")
        kinds = (("crl", knowledge.crls), ("ocsp", knowledge.ocsps))
        names = []
        for kind, values in kinds:
            for number, value in enumerate(values):
                names.append(f"answers/{stem}-{number}.{kind}")
                (self.folder / names[-1]).write_bytes(value)
        return names


def make(folder: Path) -> None:
    """Writes every vector, what is to be trusted, and `vectors.json` into an empty or older folder."""
    (folder / "answers").mkdir(parents=True, exist_ok=True)
    for old in (folder / "answers").iterdir():  # of vectors that may have other answers now, or none
        old.unlink()
    with TemporaryDirectory() as keys, running_authority(Path(keys), began=BEGAN) as authority:
        maker = Maker(folder, authority, new_workshop())
        _trust(maker)
        _tampered(maker)
        _revoked(maker)
        _records(maker)
        _fork(maker)
    text = json.dumps(maker.vectors, ensure_ascii=False, indent=1)
    (folder / "vectors.json").write_text(text + "\n")


def _trust(maker: Maker) -> None:
    roots = (maker.authority.root, maker.workshop.root)
    pem = (load_der_x509_certificate(root).public_bytes(Encoding.PEM) for root in roots)
    (maker.folder / "roots.pem").write_bytes(b"".join(pem))
    listed = [
        (maker.authority.certificate("seal"), ISSUER),
        (maker.authority.certificate("revoked"), ISSUER),
        (attacks.key_of(maker.workshop).certificate, ISSUER),
        (maker.workshop.keys[ANOTHERS].certificate, ANOTHER),
    ]
    lines = [
        {"certificate_sha256": sha256(der).hexdigest(), "authority": whose, "since": BEGAN.isoformat()}
        for der, whose in listed
    ]
    (maker.folder / "seals.json").write_text(json.dumps(lines, indent=1) + "\n")


def _tampered(maker: Maker) -> None:
    workshop = maker.workshop
    good = workshop.seal(tiny_pdf(), tsa=workshop.tsa).content
    maker.seal("genuine.pdf", good, NOW, _PASSED)
    altered = _last(good, b"/MediaBox [ 0 0 595 ", b"/MediaBox [ 0 0 955 ")
    maker.seal("altered.pdf", altered, NOW, _FAILED, "HASH_FAILURE", failed=("digest",))
    maker.seal(
        "incremental-update-replaces-the-page.pdf",
        _page_replaced(good),
        NOW,
        _FAILED,
        "FORMAT_FAILURE",
        failed=("coverage", "revisions"),
    )
    maker.seal(
        "bytes-behind-the-end.pdf",
        good + b"PK\x05\x06" + bytes(18),
        NOW,
        _FAILED,
        "FORMAT_FAILURE",
        failed=("coverage", "file_ends"),
    )
    maker.seal(
        "sneaky-field-covers-the-text.pdf",
        attacks.covering_appearance(workshop),
        NOW,
        _OPEN,
        "SIG_CONSTRAINTS_FAILURE",
        failed=("rendering",),
    )
    maker.seal(
        "two-fields-one-signature.pdf",
        attacks.second_field(workshop),
        NOW,
        _OPEN,
        "SIG_CONSTRAINTS_FAILURE",
        failed=("field",),
    )
    other = workshop.seal(tiny_pdf(), algorithm=ANOTHERS, tsa=workshop.tsa).content
    maker.seal("wrong-issuer-for-the-type.pdf", other, NOW, _PASSED, authority=ANOTHER)
    maker.seal(
        "signer-on-no-list-of-seals.pdf",
        workshop.seal(tiny_pdf(), algorithm=UNLISTED, tsa=workshop.tsa).content,
        NOW,
        _OPEN,
        "SIG_CONSTRAINTS_FAILURE",
        failed=("seal_list",),
        authority=None,
    )


def _last(good: bytes, old: bytes, new: bytes) -> bytes:
    """The newest of several put differently, at the same length."""
    assert len(old) == len(new)
    before, found, after = good.rpartition(old)
    assert found
    return before + new + after


def _page_replaced(good: bytes) -> bytes:
    """An update of one object: the page's own content draws something else."""
    writer = IncrementalPdfFileWriter(BytesIO(good))
    contents = writer.root["/Pages"]["/Kids"][0].get_object()["/Contents"]
    drawn = contents[0].get_object() if isinstance(contents, generic.ArrayObject) else contents
    drawn._data = b"0 0 1 rg 100 100 200 200 re f"  # noqa: SLF001 - pyHanko has no other way
    drawn._encoded_data = None  # noqa: SLF001 - as above
    writer.update_container(drawn)
    return attacks.written(writer)


def _revoked(maker: Maker) -> None:
    authority = maker.authority
    moment = at(authority, 12)
    before = sealed(authority, moment, key="revoked", tsa=tsa_of(authority))
    bare = sealed(authority, moment, key="revoked")
    early = at(authority, 1)
    timed = sealed(authority, early, key="revoked", tsa=tsa_of(authority))
    untimed = sealed(authority, early, key="revoked")
    unknown = sealed(authority, early, tsa=tsa_of(authority))
    later = at(authority, 20)
    archived = raised(authority, timed, later).content
    today = known(authority, later)
    maker.seal(
        "revoked-before-sealing-with-proven-time.pdf",
        before,
        later,
        _FAILED,
        "REVOKED",
        failed=("revocation",),
        knowledge=today,
    )
    maker.seal(
        "revoked-after-sealing-with-proven-time.pdf",
        archived,
        later,
        _PASSED,
        knowledge=RevocationKnowledge(required=True),
    )
    for name, content in (
        ("revoked-before-sealing-without-proven-time.pdf", bare),
        ("revoked-after-sealing-without-proven-time.pdf", untimed),
    ):
        maker.seal(name, content, later, _OPEN, "REVOKED_NO_POE", failed=("revocation",), knowledge=today)
    maker.seal(
        "revocation-unreachable.pdf",
        unknown,
        early,
        _OPEN,
        "TRY_LATER",
        failed=("revocation",),
        knowledge=RevocationKnowledge(required=True),
    )
    maker.seal(
        "certificate-expired-without-proven-time.pdf",
        sealed(authority, at(authority, 1)),
        BEGAN + 4 * 365 * DAY,
        _OPEN,
        "OUT_OF_BOUNDS_NO_POE",
        failed=("chain",),
    )


def _records(maker: Maker) -> None:
    valid = {"valid_from": "2026-01-05", "valid_to": "2026-12-31", "status": "valid", "status_since": None}
    maker.record("in-force.json", valid, "2026-12-31", None)
    maker.record("expired.json", valid, "2027-01-01", "expired")
    maker.record("not-yet-valid.json", valid, "2026-01-04", "not_yet_valid")
    for status in ("suspended", "superseded", "revoked", "cancelled"):
        told = {**valid, "status": status, "status_since": "2026-06-01"}
        maker.record(f"{status}.json", told, "2026-06-02", status)


def _fork(maker: Maker) -> None:
    """Two trees of one size, both signed by the log: somebody was answered differently."""
    key = read_log_key(new_log_key())
    (maker.folder / "log.vkey").write_text(f"{verifier_key(key, ORIGIN)}\n")
    for name in ("log-fork-one-side.note", "log-fork-other-side.note"):
        head = Checkpoint(ORIGIN, 118, sha256(name.encode()).digest())
        (maker.folder / name).write_bytes(sign_checkpoint(key, head).encode())
    maker.vectors.append(
        {
            "file": "log-fork-other-side.note",
            "of": "log",
            "beside": "log-fork-one-side.note",
            "consistent": False,
        }
    )
