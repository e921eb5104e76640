"""Each vector for OFD handed in to be sealed: it stands when it is sealed, or it is refused before."""

import pytest

from signing.national.sealing_key import NationalSealingKey
from signing.ofd import OfdPlace
from signing.ofd_judge import AdmittedOfd, admit_ofd, judge_ofd
from signing.validate import Trust
from tests.signing.ofd.sealing import NOW, new_sealing, sealed
from tests.vectors.ofd_making import OFD_FILES
from tests.vectors.test_ofd_vectors import trust_of
from vault.errors import DocumentRefused
from vault.model.verdict import Indication

FILES = sorted(file.name for file in OFD_FILES.glob("*.ofd"))
SEALED = {"version-1.ofd", "signer-of-an-unknown-root.ofd"}  # of these it is known
REFUSED = {
    "genuine.ofd",  # it is closed
    "sm2-value-broken.ofd",
    "signedvalue-of-another-document.ofd",
    "seal-esl-is-another-seal.ofd",
    "picture-swapped-in-the-seal.ofd",
}


def trust() -> Trust:
    """Ours, and what the vectors are judged by."""
    keys, theirs = new_sealing(), trust_of(OFD_FILES)
    ours: tuple[NationalSealingKey, ...] = (keys.maker, keys.signer, keys.platform)
    return Trust(theirs.roots, national=tuple(each for key in ours for each in key.chain))


def taken(content: bytes) -> AdmittedOfd:
    """As a deposit takes it: admitted, open, and no signature in it broken.

    Raises:
        DocumentRefused: it is otherwise.
    """
    admitted = admit_ofd(content)
    broken = Indication.TOTAL_FAILED in {
        report.indication for report in judge_ofd(content, trust=trust(), at=NOW, ours=True)
    }
    if admitted.closed or broken:
        raise DocumentRefused("closed, or broken")
    return admitted


@pytest.mark.parametrize("name", FILES)
def test_a_vector_stands_when_it_is_sealed_or_is_refused(name: str) -> None:
    content = (OFD_FILES / name).read_bytes()
    try:
        admitted = taken(content)
    except DocumentRefused:
        assert name not in SEALED
        return
    assert name not in REFUSED
    width, height = admitted.page_sizes_mm[-1]
    document = sealed(content, place=OfdPlace(admitted.page_count, width - 45, height - 50, 42, 42))
    reports = judge_ofd(document, trust=trust(), at=NOW, ours=True)
    assert len(reports) == admitted.existing_signatures + 2
    assert [report.indication for report in reports[-2:]] == [Indication.TOTAL_PASSED] * 2
    assert Indication.TOTAL_FAILED not in {report.indication for report in reports}
