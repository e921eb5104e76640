"""The gate for OFDs handed in: what may be kept, what may be sealed, and a sentence for what may not.

Each refusal begins with the rule that it is by. The judge uses the same rules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from signing.ofd_judge.declared import SIGNATURES_MAX, Declared, read_declared
from signing.ofd_judge.digests import Digests, check_digests, check_method
from signing.ofd_judge.directory import ENTRIES_MAX, read_directory
from signing.ofd_judge.locations import find
from signing.ofd_judge.markup import PACKAGE_NODES_MAX, Budget, Element, read_xml
from signing.ofd_judge.names import shown
from signing.ofd_judge.package import UNPACKED_MAX_BYTES, Package, read_package
from signing.ofd_judge.reach import reach
from signing.ofd_judge.structure import Entrance, check_entrance, read_entrance
from vault.errors import DocumentRefused, SignatureError

PAGES_MAX = 2_000  # a person has to be able to read it
# A seal and the signature that closes: a list of signatures, two Signature.xml, two values, and the seal
SEALING_ADDS_ENTRIES, SEALING_ADDS_SIGNATURES = 6, 2
# Each Signature.xml names every file: 5 MB if all of 2,000 names are as long as they may be, and escaped
SEALING_ADDS_BYTES = 16 * 1024 * 1024
SIDE_MIN_MM, SIDE_MAX_MM = 10.0, 5_000.0  # a card; a plan on the longest plotter


@dataclass(frozen=True, slots=True)
class AdmittedOfd:
    """What is known of an OFD that may be kept.

    `page_sizes_mm`: width and height of each page; `existing_signatures`: how many it carries, each over the
    files that are there; `closed`: one of them covers the list of signatures, so that nobody may sign after
    it; `declares_signatures`: OFD.xml names a list of signatures already, which a further one has to enter.
    """

    page_count: int
    page_sizes_mm: tuple[tuple[float, float], ...]
    existing_signatures: int
    closed: bool
    declares_signatures: bool


def check_ofd(content: bytes) -> None:
    """The rules of structure for any OFD that enters, also one that is kept as it is and never sealed.

    1. O1: one archive that every reader reads alike, within the caps; 2. O2 on every file that a reader comes
    to; 3. O3: one document; everything that it names is in the package.

    Raises:
        DocumentRefused: with a sentence that names the rule and tells the sender what is wrong.
    """
    with _readable():
        _opened(content)


def admit_ofd(content: bytes) -> AdmittedOfd:
    """Decide whether an OFD that is handed in may be kept and, unless it is closed, sealed.

    1. to 3. as `check_ofd`; 4. its pages have sizes; 5. O5: no signature that it carries is broken; 6. unless
    it is closed, what sealing adds finds room within the caps by which the sealed file is read.

    Raises:
        DocumentRefused: with a sentence that names the rule and tells the sender what is wrong.
    """
    with _readable():
        package, entrance = _opened(content)
        sizes = _page_sizes(package, entrance)  # 4
        signatures = _check_signatures(package, entrance)  # 5
        of = entrance.bodies[0]
        closed = any(
            each.listed is not None and of.signatures in each.listed.covered() for each in signatures
        )
        if not closed:
            _check_room(content, len(signatures))  # 6
        return AdmittedOfd(
            page_count=len(sizes),
            page_sizes_mm=sizes,
            existing_signatures=len(signatures),
            closed=closed,
            declares_signatures=of.declares_signatures,
        )


def _opened(content: bytes) -> tuple[Package, Entrance]:
    package = read_package(content)  # 1
    if package.problem is not None:
        raise DocumentRefused(package.problem)
    entrance = read_entrance(package)
    reached = reach(package)  # 2
    if reached.problem is not None:
        raise DocumentRefused(reached.problem)
    check_entrance(entrance)  # 3
    if reached.missing:
        raise DocumentRefused(
            f"O4: the document names a file that is not in the package: {shown(reached.missing[0])}."
        )
    return package, entrance


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise DocumentRefused("The OFD is damaged: it cannot be read.") from error


def _page_sizes(package: Package, entrance: Entrance) -> tuple[tuple[float, float], ...]:
    document = entrance.bodies[0].document or ""
    budget = Budget(PACKAGE_NODES_MAX)
    root = read_xml(package.files[document], budget)
    common, pages = root.one("CommonData"), root.one("Pages")
    if root.name != "Document" or common is None or pages is None:
        raise DocumentRefused("O3: the document has no CommonData or no Pages.")
    usual = _size(common.one("PageArea"))
    lines = pages.all("Page")
    if not 1 <= len(lines) <= PAGES_MAX:
        raise DocumentRefused(f"O3: the document has {len(lines)} pages; 1 to {PAGES_MAX} are taken.")
    sizes: dict[str, tuple[float, float]] = {}  # by path: two pages may lie in one place
    paths = [_page_path(package, document, line) for line in lines]
    for path in paths:
        if path not in sizes:
            sizes[path] = _page_size(read_xml(package.files[path], budget), path, usual)
    return tuple(sizes[path] for path in paths)


def _page_path(package: Package, document: str, line: Element) -> str:
    path = find(package, document, line.attributes.get("BaseLoc", ""))
    if path is None:
        raise DocumentRefused("O4: the document names a page that is not in the package.")
    return path


def _page_size(root: Element, path: str, usual: tuple[float, float] | None) -> tuple[float, float]:
    if root.name != "Page":
        raise DocumentRefused(f"O3: a page of the document is none: {shown(path)}.")
    size = _size(root.one("Area")) or usual
    if size is None:
        raise DocumentRefused(f"O3: a page has no size: {shown(path)}.")
    return size


def _size(area: Element | None) -> tuple[float, float] | None:
    """Of a PhysicalBox `x y w h`, in millimetres.

    Raises:
        DocumentRefused: there is one, and it is no box that paper has.
    """
    box = None if area is None else area.value("PhysicalBox")
    if box is None:
        return None
    try:
        left, top, width, height = (float(number) for number in box.split())
    except ValueError:
        raise DocumentRefused(f"O3: a PhysicalBox is no box: {shown(box)}.") from None
    on_paper = all(SIDE_MIN_MM <= side <= SIDE_MAX_MM for side in (width, height))  # nan is neither
    if not on_paper or not all(abs(place) <= SIDE_MAX_MM for place in (left, top)):
        raise DocumentRefused(f"O3: a page has a size that no paper has: {shown(box)}.")
    return round(width, 2), round(height, 2)


def _check_signatures(package: Package, entrance: Entrance) -> tuple[Declared, ...]:
    """The signatures that it carries, each with the files that it lists as they were signed."""
    of = entrance.bodies[0]
    if of.signatures is None:
        if of.declares_signatures:
            raise DocumentRefused(
                "O3: the document declares signatures, but their list is not in the package."
            )
        return ()
    declared = read_declared(package, of.signatures)
    digests = Digests(package)
    for each in declared:
        why = _broken_because(each, digests)
        if why is not None:
            raise DocumentRefused(f"O5: the OFD carries a broken signature. {why}")
    return declared


def _check_room(content: bytes, signatures: int) -> None:
    entries = read_directory(content).entries
    found = (
        ("entries", len(entries), ENTRIES_MAX - SEALING_ADDS_ENTRIES),
        ("signatures", signatures, SIGNATURES_MAX - SEALING_ADDS_SIGNATURES),
        (
            "bytes unpacked",
            sum(entry.size_bytes for entry in entries),
            UNPACKED_MAX_BYTES - SEALING_ADDS_BYTES,
        ),
    )
    for what, count, most in found:
        if count > most:
            raise DocumentRefused(
                f"O1: the package has {count} {what}; one that is to be sealed has at most {most},"
                " since sealing adds some."
            )


def _broken_because(declared: Declared, digests: Digests) -> str | None:
    """Why a signature is broken, whoever made it, as far as its digests tell; None where it is whole."""
    if declared.listed is None:
        return declared.problem or "Its Signature.xml cannot be read."
    if declared.listed.value is None:
        return "Its SignedValue is not in the package."
    try:
        check_method(declared.listed)
        check_digests(digests, declared.listed)
    except SignatureError as error:
        return error.detail
    return None
