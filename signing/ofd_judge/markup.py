"""O2: XML that every reader reads alike: UTF-8, no DOCTYPE, and no text that vanishes for one of them.

With expat alone: nothing is fetched, and an entity that nobody declared is an error. (lxml with
`resolve_entities=False` leaves references in the tree as nodes that have no text: a check on `.text` then
sees another path than a reader does.)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from vault.errors import DocumentRefused

XML_MAX_BYTES = 16 * 1024 * 1024  # a page full of text takes 200 kB, a drawn map some megabytes
DEPTH_MAX = 64  # the standard's own structures are ten deep; blocks may be nested
NODES_MAX = 300_000  # elements and attributes of one file; they take some 150 MB
PACKAGE_NODES_MAX = 750_000  # of all files of a package that are read: some five seconds of work
# Old files of real cities use the first one in OFD.xml and Document.xml
NAMESPACES = frozenset({"http://www.ofdspec.org", "http://www.ofdspec.org/2016"})
BLANKS = " \t\r\n"  # of XML; others, such as U+3000, are part of a name to other readers
_BUFFER_BYTES = 64 * 1024
_BETWEEN = "\n"  # stands in no name and no namespace


@dataclass(slots=True)
class Budget:
    """How many elements and attributes may still be read."""

    nodes: int


@dataclass(slots=True)
class Element:
    """One element, with the text that stands directly in it.

    `torn`: something stands between its `pieces`; `speaks`: they are not only blanks.
    """

    name: str
    namespace: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    torn: bool = False
    speaks: bool = False

    @property
    def text(self) -> str:
        """All of its text, joined whatever stands between."""
        return "".join(self.pieces)

    def all(self, name: str) -> list["Element"]:
        """Its children of this name.

        Raises:
            DocumentRefused: one of them is of another namespace: some readers take it, some do not.
        """
        found = [child for child in self.children if child.name == name]
        if any(child.namespace not in NAMESPACES for child in found):
            raise DocumentRefused(f"O2: an element {name} is of another namespace than OFD's.")
        return found

    def one(self, name: str) -> "Element | None":
        """Its only child of this name, None where there is none.

        Raises:
            DocumentRefused: there are several: each reader takes another.
        """
        found = self.all(name)
        if len(found) > 1:
            raise DocumentRefused(f"O2: {len(found)} elements {name} stand where one may.")
        return found[0] if found else None

    def value(self, name: str) -> str | None:
        """The text of its only child of this name, without blanks around it; None without one, or if empty.

        Raises:
            DocumentRefused: there are several, or the text is in pieces.
        """
        found = self.one(name)
        return None if found is None else found.whole_text() or None

    def whole_text(self) -> str:
        """Its text without blanks around it.

        Raises:
            DocumentRefused: something stands between two pieces of it: a reader that takes the first piece
                reads another text than one that takes all.
        """
        if self.torn:
            raise DocumentRefused(f"O2: the text of {self.name} is in pieces, with something between them.")
        return self.text.strip(BLANKS)

    def walk(self) -> Iterator["Element"]:
        """Itself and everything in it."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def read_xml(encoded: bytes, budget: Budget | None = None) -> Element:
    """The root of an XML file. `budget`: what is left for several files together; this one takes of it.

    1. its size, and UTF-8 as encoding, said or unsaid; 2. well-formed, without a DOCTYPE; 3. depth and number
    of nodes within their caps.

    Raises:
        DocumentRefused: one of these does not hold.
    """
    if len(encoded) > XML_MAX_BYTES:  # 1
        raise DocumentRefused(f"O2: an XML file has {len(encoded)} bytes; at most {XML_MAX_BYTES} are read.")
    try:
        encoded.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentRefused("O2: an XML file is not UTF-8.") from None
    tree = _Tree(budget or Budget(NODES_MAX))
    try:
        tree.parser.Parse(encoded, True)  # noqa: FBT003 - expat takes it by position: this is all of it
    except expat.ExpatError as error:
        why = expat.errors.messages.get(error.code, "unreadable")
        raise DocumentRefused(f"O2: an XML file is not well-formed ({why}).") from None
    return tree.root()


def refuse_doctype(*_: object) -> None:
    """A DOCTYPE may define entities, and give attributes values that stand nowhere in the file.

    Raises:
        DocumentRefused: always.
    """
    raise DocumentRefused("O2: an XML file has a DOCTYPE.")


class _Tree:
    """Builds the elements while expat reads."""

    def __init__(self, budget: Budget) -> None:
        self.parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=_BETWEEN)
        self.parser.buffer_text = True
        self.parser.buffer_size = _BUFFER_BYTES
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.CommentHandler = self._broken
        self.parser.ProcessingInstructionHandler = self._broken
        self._open: list[Element] = []
        self._root: Element | None = None
        self._budget = budget
        self._nodes_left = min(NODES_MAX, budget.nodes)
        # Whether something other than text has stood in the open element since its text began
        self._interrupted = False

    def root(self) -> Element:
        """The root, when all was read."""
        if self._root is None:
            raise DocumentRefused("O2: an XML file has no element.")
        return self._root

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in {"UTF-8", "UTF8"}:
            raise DocumentRefused(f"O2: an XML file says that it is {encoding[:20]}; UTF-8 is read.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        nodes = 1 + len(attributes)
        self._nodes_left -= nodes
        self._budget.nodes -= nodes
        if len(self._open) >= DEPTH_MAX:
            raise DocumentRefused(f"O2: an XML file is more than {DEPTH_MAX} elements deep.")
        if self._nodes_left < 0:
            raise DocumentRefused(
                f"O2: an XML file has more than {NODES_MAX} nodes, or all have more than {PACKAGE_NODES_MAX}."
            )
        namespace, _, local = name.rpartition(_BETWEEN)
        element = Element(local, namespace, _unqualified(attributes))
        if self._open:
            parent = self._open[-1]
            parent.children.append(element)
            parent.torn = parent.torn or parent.speaks
        else:
            self._root = element
        self._open.append(element)
        self._interrupted = False

    def _end(self, _name: str) -> None:
        self._open.pop()
        self._interrupted = True

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if text.strip(BLANKS):
            element.torn = element.torn or bool(element.children) or self._interrupted
            element.speaks = True
        element.pieces.append(text)

    def _broken(self, *_: object) -> None:
        self._interrupted = True


def _unqualified(attributes: dict[str, str]) -> dict[str, str]:
    """By local name: OFD's own have no prefix.

    Raises:
        DocumentRefused: two have one local name.
    """
    if all(_BETWEEN not in name for name in attributes):
        return attributes
    plain = {name.rpartition(_BETWEEN)[2]: value for name, value in attributes.items()}
    if len(plain) != len(attributes):
        raise DocumentRefused("O2: an element has two attributes of one name.")
    return plain
