"""The gate for OFDs: what it tells of those that may enter, and by which rule it refuses the others."""

from collections.abc import Callable
from os import urandom

import pytest

from signing.ofd_judge import AdmittedOfd, admit_ofd, check_ofd, gate
from signing.ofd_judge.declared import SIGNATURES_MAX
from signing.ofd_judge.directory import ENTRIES_MAX
from signing.ofd_judge.gate import SEALING_ADDS_BYTES
from signing.ofd_judge.markup import Budget, Element, read_xml
from signing.ofd_judge.package import FILE_MAX_BYTES, UNPACKED_MAX_BYTES
from tests.signing.ofd.documents import both_formats
from tests.signing.ofd.sealing import sealed as seal_more
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import SIGNATURES, Sealing, closing, ours, packed, plain, sealed
from vault.errors import DocumentRefused

DOCUMENT, TEMPLATE = "Doc_0/Document.xml", "Doc_0/Tpls/Tpl_0/Content.xml"
UNDECLARED = b"<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>"
A4 = b"<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox>"


def bare() -> dict[str, bytes]:
    """Without a word on signatures."""
    return attacks.replaced(plain(), "OFD.xml", UNDECLARED, b"")


def test_what_is_told_of_a_file_that_may_enter() -> None:
    assert admit_ofd(packed(bare())) == AdmittedOfd(
        page_count=1,
        page_sizes_mm=((210.0, 297.0),),
        existing_signatures=0,
        closed=False,
        declares_signatures=False,
    )
    once = admit_ofd(packed(sealed(plain())))
    assert (once.existing_signatures, once.closed, once.declares_signatures) == (1, False, True)
    twice = admit_ofd(packed(ours()))
    assert (twice.existing_signatures, twice.closed) == (2, True)


def test_pages_have_their_own_sizes() -> None:
    area = b"<ofd:Area><ofd:PhysicalBox>0 0 420 297.5</ofd:PhysicalBox></ofd:Area><ofd:Content>"
    files = attacks.replaced(bare(), attacks.PAGE, b"<ofd:Content>", area)
    second = b'<ofd:Page ID="2" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:Pages>'
    files = attacks.replaced(files, DOCUMENT, b"</ofd:Pages>", second)
    assert admit_ofd(packed(files)).page_sizes_mm == ((420.0, 297.5), (210.0, 297.0))


def test_a_page_that_stands_in_many_places_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    budgets: list[Budget] = []

    def counted(encoded: bytes, budget: Budget) -> Element:
        read.append(encoded)
        budgets.append(budget)
        return read_xml(encoded, budget)

    monkeypatch.setattr(gate, "read_xml", counted)
    line = b'<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>'
    files = attacks.replaced(bare(), DOCUMENT, line, line * 500)
    assert admit_ofd(packed(files)).page_count == 500
    assert read == [files[DOCUMENT], files[attacks.PAGE]]
    assert len({id(budget) for budget in budgets}) == 1  # of all of them together


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "O1 name": (attacks.two_of_one_name, "O1: two entries"),
    "O1 behind": (attacks.bytes_behind, "O1: 8 bytes stand behind"),
    "O1 pdf": (attacks.two_files_in_one, "ZIP archive and a PDF"),
    "O2 doctype": (attacks.doctype, "O2: an XML file has a DOCTYPE"),
    "O2 pieces": (attacks.text_in_pieces, "O2: the text of DocRoot is in pieces"),
    "O3 bodies": (attacks.two_bodies, "O3: OFD.xml has 2 DocBody"),
    "O3 no entrance": (lambda: packed({"a": b""}), "O3: the package has no OFD.xml"),
    "O3 no document": (
        lambda: packed(attacks.replaced(bare(), "OFD.xml", b"Document.xml", b"None.xml")),
        "O3: DocRoot names no file",
    ),
    "O4 missing": (
        lambda: packed({n: b for n, b in bare().items() if n != attacks.IMAGE}),
        "O4: the document names a file that is not in the package: image_4.png",
    ),
    "O3 list gone": (lambda: packed(plain()), "O3: the document declares signatures, but their list"),
    "O3 no pages": (
        lambda: packed(attacks.replaced(bare(), DOCUMENT, b"ofd:Pages", b"ofd:Sites")),
        "O3: the document has no CommonData or no Pages",
    ),
    "O3 no size": (
        lambda: packed(attacks.replaced(bare(), DOCUMENT, A4, b"")),
        "O3: a page has no size",
    ),
    "O3 a size of no paper": (
        lambda: packed(attacks.replaced(bare(), DOCUMENT, b"210 297", b"1e400 297")),
        "O3: a page has a size that no paper has",
    ),
    "O3 no box": (
        lambda: packed(attacks.replaced(bare(), DOCUMENT, b"210 297", b"210")),
        "O3: a PhysicalBox is no box",
    ),
    "O5 broken": (attacks.other_picture, "O5: the OFD carries a broken signature"),
    "O5 weak": (lambda: attacks.weak_digests("MD5"), "O5: the OFD carries a broken signature"),
    "O5 gone": (attacks.file_gone, "O4: the document names a file"),
}


@pytest.mark.parametrize("origin", [b"nan nan", b"0 inf", b"-inf 0", b"1e308 0", b"0 -5001"])
def test_a_page_whose_origin_lies_nowhere_is_refused(origin: bytes) -> None:
    files = attacks.replaced(bare(), DOCUMENT, b"0 0 210 297", origin + b" 210 297")
    with pytest.raises(DocumentRefused, match="O3: a page has a size that no paper has"):
        admit_ofd(packed(files))


@pytest.mark.parametrize("rule", REFUSED)
def test_a_refusal_names_its_rule(rule: str) -> None:
    make, sentence = REFUSED[rule]
    with pytest.raises(DocumentRefused) as refused:
        admit_ofd(make())
    assert sentence in refused.value.detail


def test_what_is_kept_and_never_sealed_may_carry_whatever_signature() -> None:
    for content in (attacks.other_picture(), attacks.weak_digests("MD5"), attacks.first_version()):
        check_ofd(content)
    with pytest.raises(DocumentRefused):
        check_ofd(attacks.doctype())


def test_an_open_signature_by_the_platform_closes_nothing() -> None:
    open_one = sealed(plain(), closing(leaves=(SIGNATURES,)))
    assert not admit_ofd(packed(open_one)).closed
    assert admit_ofd(packed(sealed(open_one, Sealing(leaves=())))).closed


def with_entries(count: int) -> bytes:
    """A package of so many entries."""
    files = bare()
    return packed({**files, **{f"more/{n}": b"a" for n in range(count - len(files))}})


def with_bytes(count: int) -> bytes:
    """A package that unpacks to so many bytes, in files that pack about 1:40."""
    files = bare()
    left, part = (
        count - sum(map(len, files.values())),
        urandom(1_000) + bytes(40_000),
    )  # longer than deflate looks back
    size = FILE_MAX_BYTES - 1
    for number, start in enumerate(range(0, left, size)):
        files[f"more/{number}"] = (part * (size // len(part) + 1))[: min(size, left - start)]
    return packed(files)


def with_signatures(count: int) -> bytes:
    """A package with so many signatures, each over those before it."""
    document = both_formats("营业执照").ofd
    for _ in range(count):
        document = seal_more(document, closed=False)
    return document


@pytest.mark.parametrize(
    ("make", "most", "words"),
    [
        (with_entries, ENTRIES_MAX - 6, "entries"),
        (with_bytes, UNPACKED_MAX_BYTES - SEALING_ADDS_BYTES, "bytes unpacked"),
        (with_signatures, SIGNATURES_MAX - 2, "signatures"),
    ],
)
def test_what_is_to_be_sealed_leaves_room_for_what_sealing_adds(
    make: Callable[[int], bytes], most: int, words: str
) -> None:
    document = make(most)
    admit_ofd(document)
    made = seal_more(document)
    assert admit_ofd(made).closed
    too_much = make(most + 1)
    check_ofd(too_much)
    with pytest.raises(DocumentRefused, match=f"O1: the package has .* {words}; one that is to be sealed"):
        admit_ofd(too_much)
