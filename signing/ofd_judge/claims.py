"""What a strange OFD says that it is: in its CustomDatas, its keywords and the text of its pages.

A claim decides only which record is compared with the file: so it is read although rules are broken.
"""

from collections.abc import Iterator
from contextlib import suppress

from signing.claims import Claims, claims_in
from signing.ofd_judge.locations import find
from signing.ofd_judge.markup import read_xml
from signing.ofd_judge.package import Package, read_package
from signing.ofd_judge.structure import read_entrance
from vault.errors import DocumentRefused

TEXT_MAX_CHARS = 50_000


def read_ofd_claims(content: bytes) -> Claims:
    """The claims of an OFD; none where it is none."""
    texts: list[str] = []
    with suppress(DocumentRefused):
        package = read_package(content)
        entrance = read_entrance(package)
        texts += [value for _, value in entrance.custom_data]
        texts += entrance.keywords
        for body in entrance.bodies[:1]:
            if body.document is not None:
                texts += _page_texts(package, body.document)
    return claims_in(texts)


def _page_texts(package: Package, document: str) -> Iterator[str]:
    """The text of the first and the last page, as one piece each: a line of it may be in several objects."""
    pages = read_xml(package.files[document]).one("Pages")
    lines = [] if pages is None else pages.all("Page")
    for line in dict.fromkeys((0, len(lines) - 1)) if lines else ():
        path = find(package, document, lines[line].attributes.get("BaseLoc", ""))
        if path is not None:
            codes = (each.text for each in read_xml(package.files[path]).walk() if each.name == "TextCode")
            yield "".join(codes)[:TEXT_MAX_CHARS]
