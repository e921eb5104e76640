"""O4, first half: the files that a reader can come to from OFD.xml.

Every location is followed that the standard knows, and every other text or attribute that names a file of the
package, from the folder of the file that holds it or any folder above: whatever a reader may open is reached.
What signatures bring along, and the files that they list, are not: they are compared with these.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from signing.ofd_judge.locations import LOCATION_MAX_CHARS, folder_of, joined
from signing.ofd_judge.markup import BLANKS, NAMESPACES, PACKAGE_NODES_MAX, Budget, Element, read_xml
from signing.ofd_judge.names import folded, shown
from signing.ofd_judge.package import Package
from signing.ofd_judge.structure import ENTRANCE
from vault.errors import DocumentRefused

# Elements whose text is a location, and what lies there; attributes likewise.
_TEXTS = {
    "DocRoot": "document",
    "Versions": "list of versions",
    "Cover": "cover",
    "PublicRes": "resources",
    "DocumentRes": "resources",
    "PageRes": "resources",
    "Annotations": "list of annotations",
    "CustomTags": "list of custom tags",
    "Attachments": "list of attachments",
    "Extensions": "extensions",
    "ExtendData": "extension data",
    "FontFile": "font",
    "MediaFile": "image",
    "SchemaLoc": "schema of custom tags",
    "File": "file of a version",
}
_ATTRIBUTES = {
    ("Page", "BaseLoc"): "page",
    ("TemplatePage", "BaseLoc"): "template",
    ("Version", "BaseLoc"): "version",
    ("ColorSpace", "Profile"): "colour profile",
}
# FileLoc is what the list is of that it stands in.
_LISTED = {
    "list of annotations": "annotation",
    "list of attachments": "attachment",
    "list of custom tags": "custom tag",
}
# Texts that are shown or followed: one that is in pieces says another thing to each reader
_WHOLE = frozenset({"TextCode", "FileLoc", "BaseLoc", "Signatures", *_TEXTS})
_LEFT_OUT = frozenset({"Signatures"})
_SOMETHING = "file"  # named somewhere, by no element that the standard has for it
_NO_XML = frozenset({"cover", "font", "image", "extension data", "colour profile", "file of a version"})
_XML = frozenset({"OFD.xml", "annotation", *_TEXTS.values(), *_ATTRIBUTES.values()}) - _NO_XML
# How often a location is looked up in a folder, for all files of a package together: a book of a thousand
# pages with ten names on each, in four folders, takes 40,000; this many take about two seconds at most.
LOOKUPS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Reached:
    """What can be reached: each file's name with what it is; `missing`: locations that name no file.

    `problem`: the first file that O2 refuses, in a sentence; what it names may not be known then.
    """

    files: dict[str, str] = field(repr=False)
    missing: tuple[str, ...]
    problem: str | None


@dataclass(slots=True)
class _Places:
    """Where locations lead from folders, each found out once; every look-up counts, remembered or not."""

    package: Package = field(repr=False)
    known: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)
    lookups: int = 0

    def of(self, folders: tuple[str, ...], location: str) -> set[str]:
        """The files that a location names from any of the folders.

        Raises:
            DocumentRefused: the package has named more than LOOKUPS_MAX by now.
        """
        self.lookups += len(folders)
        if self.lookups > LOOKUPS_MAX:
            raise DocumentRefused(
                f"O4: the package's files name others in more than {LOOKUPS_MAX} ways: too many to follow."
            )
        return {path for folder in folders if (path := self._one(folder, location)) is not None}

    def _one(self, folder: str, location: str) -> str | None:
        if (folder, location) not in self.known:
            path = joined(folder, location)
            self.known[folder, location] = None if path is None else self.package.find(path)
        return self.known[folder, location]


def reach(package: Package) -> Reached:
    """Walk from OFD.xml, each file once.

    Raises:
        DocumentRefused: its files name more places than are looked up.
    """
    last_names = {folded(name).rpartition("/")[2] for name in package.files}
    files = {ENTRANCE: "OFD.xml"}
    missing: list[str] = []
    refused: dict[str, str] = {}
    budget = Budget(PACKAGE_NODES_MAX)
    places = _Places(package)
    waiting = deque([ENTRANCE])
    while waiting:
        holder = waiting.popleft()
        try:
            root = read_xml(package.files[holder], budget)
        except DocumentRefused as error:
            refused[holder] = error.detail
            continue
        torn = next(_torn(root), None)
        if torn is not None:
            refused[holder] = f"O2: the text of {torn} is in pieces, with something between them."
        folders = _folders(holder, root)
        for what, location in dict.fromkeys(_locations(root, files[holder])):
            if what is None and folded(location).rpartition("/")[2] not in last_names:
                continue
            found = places.of(folders, location)
            if not found and what is not None:
                missing.append(location)
            waiting.extend(sorted(found - files.keys()))
            for (
                path
            ) in found:  # what the standard says that it is counts more than that it is named somewhere
                files[path] = what or files.get(path, _SOMETHING)
    wrong = (f"{why} ({shown(name)})" for name, why in refused.items() if _has_to_be_xml(name, files[name]))
    return Reached(files, tuple(missing), next(wrong, None))


def _has_to_be_xml(name: str, what: str) -> bool:
    """Whether a reader of OFD reads this file as XML; an attachment may be whatever it likes."""
    return what in _XML or (what in {_SOMETHING, "custom tag"} and name.lower().endswith(".xml"))


def _folders(holder: str, root: Element) -> tuple[str, ...]:
    """Where a location in it may begin: its folder, what its root names as BaseLoc, all folders above."""
    own = folder_of(holder)
    folders = [own]
    base = root.attributes.get("BaseLoc")
    if base is not None and (path := joined(own, base)) is not None:
        folders.append(path + "/")
    above = own
    while above:
        above = folder_of(above.removesuffix("/"))
        folders.append(above)
    return tuple(dict.fromkeys(folders))


def _locations(root: Element, of: str) -> Iterator[tuple[str | None, str]]:
    """What stands there that is a location, with what lies there, or might be one (None)."""
    for element in root.walk():
        if of == "OFD.xml" and element.name in _LEFT_OUT:
            continue
        for name, value in element.attributes.items():
            if (location := _trimmed(value)) is not None:
                what = _ATTRIBUTES.get((element.name, name))
                yield (what if element.namespace in NAMESPACES else None), location
        if element.speaks and (location := _trimmed(element.text)) is not None:
            what = _LISTED.get(of) if element.name == "FileLoc" else _TEXTS.get(element.name)
            yield (what if element.namespace in NAMESPACES else None), location


def _torn(root: Element) -> Iterator[str]:
    """What of OFD's own is in pieces."""
    return (
        element.name
        for element in root.walk()
        if element.torn and element.name in _WHOLE and element.namespace in NAMESPACES
    )


def _trimmed(value: str) -> str | None:
    trimmed = value.strip(BLANKS).replace("\\", "/")
    return trimmed if 1 <= len(trimmed) <= LOCATION_MAX_CHARS else None
