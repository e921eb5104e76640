"""O3: OFD.xml, the one file whose name is fixed: what it says of the document, and where that begins."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from signing.ofd_judge.locations import find
from signing.ofd_judge.markup import NAMESPACES, Element, read_xml
from signing.ofd_judge.package import Package
from vault.errors import DocumentRefused

ENTRANCE = "OFD.xml"
CUSTOM_DATAS_MAX = 256  # the short names of GB/T 36903 are some thirty


@dataclass(frozen=True, slots=True)
class Body:
    """One DocBody. Paths are names in the package, None where nothing is declared or there is no such file.

    `declares_signatures`: an element Signatures stands there, whether its file is there or not.
    """

    document: str | None
    versions: str | None
    signatures: str | None
    declares_signatures: bool


@dataclass(frozen=True, slots=True)
class Entrance:
    """What OFD.xml says. `custom_data`: name and value of each CustomData, of all bodies."""

    bodies: tuple[Body, ...]
    custom_data: tuple[tuple[str, str], ...] = field(repr=False)
    keywords: tuple[str, ...] = field(repr=False)


def read_entrance(package: Package) -> Entrance:
    """What OFD.xml says.

    Raises:
        DocumentRefused: it is not there, no XML by O2, or no OFD.
    """
    encoded = package.files.get(ENTRANCE)
    if encoded is None:
        raise DocumentRefused("O3: the package has no OFD.xml.")
    root = read_xml(encoded)
    if root.name != "OFD" or root.namespace not in NAMESPACES:
        raise DocumentRefused("O3: OFD.xml is none: its root is no element OFD of OFD's namespace.")
    bodies = root.all("DocBody")
    if not bodies:
        raise DocumentRefused("O3: OFD.xml has no DocBody.")
    infos = [info for body in bodies for info in body.all("DocInfo")]
    return Entrance(
        tuple(_body(package, body) for body in bodies),
        tuple(pair for info in infos for pair in _custom_data(info))[:CUSTOM_DATAS_MAX],
        tuple(word.text for info in infos for word in _within(info, "Keyword"))[:CUSTOM_DATAS_MAX],
    )


def check_entrance(entrance: Entrance) -> None:
    """One DocBody, and its document there: of several, each reader shows another.

    Raises:
        DocumentRefused: it is otherwise.
    """
    if len(entrance.bodies) != 1:
        raise DocumentRefused(f"O3: OFD.xml has {len(entrance.bodies)} DocBody; one is taken.")
    if entrance.bodies[0].document is None:
        raise DocumentRefused("O3: DocRoot names no file of the package.")


def _body(package: Package, body: Element) -> Body:
    return Body(
        _named(package, body, "DocRoot"),
        _named(package, body, "Versions"),
        _named(package, body, "Signatures"),
        declares_signatures=bool(body.all("Signatures")),
    )


def _named(package: Package, body: Element, name: str) -> str | None:
    location = body.value(name)
    return None if location is None else find(package, ENTRANCE, location)


def _custom_data(info: Element) -> Iterator[tuple[str, str]]:
    for datum in _within(info, "CustomData"):
        yield datum.attributes.get("Name", ""), datum.whole_text()


def _within(info: Element, name: str) -> Iterator[Element]:
    return (element for element in info.walk() if element.name == name)
