"""Makes the conformance vectors for OFD, by the tests' own maker: each has its fault in its name."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import NOW, ours, packed
from tests.signing.ofd_judge.people import people

OFD_FILES = Path(__file__).parent / "ofd"
_PASSED, _FAILED, _OPEN = "TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"
# File, who makes it, the indication of each signature in order, and what fails in one of them.
_VECTORS: tuple[tuple[str, Callable[[], bytes], tuple[str, ...], tuple[str, ...]], ...] = (
    ("genuine", lambda: packed(ours()), (_PASSED, _PASSED), ()),
    ("two-entries-of-one-name", attacks.two_of_one_name, (_OPEN, _OPEN), ("package",)),
    ("name-with-a-drive", attacks.drive_name, (_OPEN, _OPEN), ("package",)),
    ("symbolic-link", attacks.symbolic_link, (_OPEN, _OPEN), ("package",)),
    ("local-header-names-another-file", attacks.other_local_name, (_OPEN, _OPEN), ("package",)),
    ("bytes-behind-the-end", attacks.bytes_behind, (_OPEN, _OPEN), ("package",)),
    ("pdf-at-once", attacks.two_files_in_one, (_OPEN, _OPEN), ("package",)),
    ("doctype", attacks.doctype, (_OPEN, _OPEN), ("xml",)),
    ("docroot-text-in-pieces", attacks.text_in_pieces, (_OPEN,), ("readable",)),
    ("docroot-swapped-in-uncovered-ofd-xml", attacks.other_document_root, (_OPEN,), ("structure",)),
    ("two-docbody", attacks.two_bodies, (_OPEN, _OPEN), ("structure",)),
    ("uncovered-template-changed", attacks.free_template, (_OPEN,), ("coverage",)),
    ("uncovered-font-changed", attacks.free_font, (_OPEN,), ("coverage",)),
    ("file-added", attacks.added_file, (_OPEN, _FAILED), ("coverage",)),
    ("checkmethod-unsaid", attacks.method_unsaid, (_OPEN,), ("digest",)),
    ("checkmethod-keyed-sm3", attacks.method_keyed, (_OPEN,), ("digest",)),
    ("checkmethod-md5", lambda: attacks.weak_digests("MD5"), (_OPEN,), ("digest",)),
    ("checkmethod-sha1", lambda: attacks.weak_digests("SHA1"), (_OPEN,), ("digest",)),
    ("picture-changed", attacks.other_picture, (_FAILED, _FAILED), ("digest",)),
    ("signed-file-gone", attacks.file_gone, (_FAILED, _FAILED), ("digest",)),
    ("trailing-der", attacks.trailing_der, (_OPEN,), ("signed_value",)),
    ("version-1", attacks.first_version, (_OPEN,), ()),
    ("signedvalue-of-another-document", attacks.transplanted_value, (_FAILED,), ("data_hash",)),
    ("propertyinfo-of-another-place", attacks.made_for_another_place, (_OPEN,), ("property_info",)),
    ("sm2-value-broken", attacks.broken_value, (_FAILED,), ("signature",)),
    ("picture-swapped-in-the-seal", attacks.other_seal_picture, (_FAILED,), ("seal_maker",)),
    ("seal-by-an-unknown-maker", attacks.seal_by_nobody, (_OPEN,), ("seal_maker",)),
    ("seal-esl-is-another-seal", attacks.picture_of_another_seal, (_FAILED,), ("seal_copy",)),
    ("signer-not-in-the-seals-list", attacks.signer_not_in_its_list, (_OPEN,), ("seal_signers",)),
    ("seal-used-outside-its-validity", attacks.outside_its_validity, (_OPEN,), ("seal_validity",)),
    ("signed-in-the-future", attacks.signed_in_the_future, (_OPEN,), ("signing_time",)),
    ("signer-of-an-unknown-root", attacks.by_a_stranger, (_OPEN,), ("chain", "seal_list")),
    ("stranger-signs-later", attacks.a_stranger_signs_later, (_OPEN, _OPEN), ("chain", "seal_list")),
)


def make_ofd(folder: Path) -> None:
    """Writes every vector, what is to be trusted, and `vectors.json` into an empty or older folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "roots.pem").write_bytes(people().root_pem)
    trust = attacks.listed()
    lines = [
        {
            "certificate_sha256": seal.certificate_sha256,
            "authority": seal.authority,
            "since": seal.since.isoformat(),
        }
        for seal in trust.seals or ()
    ]
    (folder / "seals.json").write_text(json.dumps(lines, indent=1) + "\n")
    vectors: list[dict[str, Any]] = []
    for name, make, indications, failed in _VECTORS:
        content = make()
        (folder / f"{name}.ofd").write_bytes(content)
        vectors.append(
            {
                "file": f"{name}.ofd",
                "sha256": hashlib.sha256(content).hexdigest(),
                "at": NOW.isoformat(),
                "indications": list(indications),
                "failed": sorted(failed),
            }
        )
    (folder / "vectors.json").write_text(json.dumps(vectors, indent=1) + "\n")
