"""Every XML file of a sealed OFD against the schema, with the one exception that all sealed files have."""

import os
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from tests.signing.ofd.documents import both_formats
from tests.signing.ofd.drawing import Package
from tests.signing.ofd.sealing import sealed
from tests.signing.typeset.pages import KINDS, ONE_OF_EACH

_OWN = Path(__file__).parent / "schema" / "ofd.xsd"
_PUBLISHED_VARIABLE = "CERTVAULT_OFD_XSD"
# The published schema knows MD5 and SHA1; the digests are SM3's, as in every sealed file in the field.
_EXCEPTION = "attribute 'CheckMethod'"
_FILES = {
    "OFD": "OFD.xsd",
    "Document": "Document.xsd",
    "Page": "Page.xsd",
    "Res": "Res.xsd",
    "Attachments": "Attachments.xsd",
    "Signatures": "Signatures.xsd",
    "Signature": "Signature.xsd",
}


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def _complaints(document: bytes, folder: Path | None) -> list[str]:
    found = []
    for name, content in Package.of(document).files.items():
        if not name.endswith(".xml"):
            continue
        root = etree.fromstring(content)
        schema = _schema(_OWN if folder is None else folder / _FILES[etree.QName(root).localname])
        schema.validate(root)
        found += [f"{name}: {error.message}" for error in schema.error_log]
    return found


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_fits_the_schema(name: str) -> None:
    assert not _complaints(both_formats(name).ofd, None)


@pytest.mark.parametrize("kind", ONE_OF_EACH.values(), ids=lambda kind: kind.template)
def test_sealed_files_fit_but_for_the_name_of_the_digest(kind: object) -> None:
    assert hasattr(kind, "name")
    complaints = _complaints(sealed(both_formats(kind.name).ofd), None)
    assert len(complaints) == 2  # one for each signature
    assert all(_EXCEPTION in complaint for complaint in complaints)


def test_the_schema_refuses_another_order() -> None:
    page = Package.of(both_formats("营业执照").ofd).files["Doc_0/Pages/Page_0/Content.xml"]
    root = etree.fromstring(page)
    root.append(root[0])
    assert not _schema(_OWN).validate(root)


def test_sealed_files_fit_the_published_schemas() -> None:
    folder = os.environ.get(_PUBLISHED_VARIABLE)
    if not folder:
        pytest.skip(f"the published XSDs are not here (set {_PUBLISHED_VARIABLE} to their folder)")
    for kind in ONE_OF_EACH.values():
        complaints = _complaints(sealed(both_formats(kind.name).ofd), Path(folder))
        assert all(_EXCEPTION in complaint for complaint in complaints), complaints
