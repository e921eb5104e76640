"""O4, first half: what is followed, and how much work that may be."""

import pytest

from signing.ofd_judge import check_ofd, judge_ofd, reach
from signing.ofd_judge.locations import joined
from signing.ofd_judge.package import read_package
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import NOW, Files, ours, packed, plain
from vault.errors import DocumentRefused
from vault.model.verdict import CheckResult, Indication

NS = b'xmlns="http://www.ofdspec.org/2016"'
DEEP = "a/" * 200
ROOTS = 2  # the BaseLoc of both files of resources


class Joins:
    """Counts how often a path is put together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(reach, "joined", self._joined)

    def _joined(self, folder: str, location: str) -> str | None:
        self.count += 1
        return joined(folder, location)


def naming(names: list[str], *, folder: str = "Doc_0/Pages/Page_0/") -> Files:
    """A document whose page, in a folder, has an attribute for each of these names."""
    content = b"<Page " + NS + b">" + b"".join(b'<x a="%s"/>' % name.encode() for name in names) + b"</Page>"
    files = attacks.replaced(plain(), "Doc_0/Document.xml", b"Pages/Page_0/", b"/" + folder.encode())
    del files[attacks.PAGE]
    return {**files, f"{folder}Content.xml": content}


def test_a_name_that_is_written_often_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joins = Joins(monkeypatch)
    reached = reach.reach(read_package(packed(naming(["Content.xml"]))))
    once = joins.count
    joins.count = 0
    assert reach.reach(read_package(packed(naming(["Content.xml"] * 50_000)))) == reached
    assert joins.count == once


def test_two_files_of_one_folder_that_name_one_place_look_it_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joins = Joins(monkeypatch)
    files = naming(["face.json", "Other.xml"])
    reach.reach(read_package(packed({**files, "Doc_0/Pages/Page_0/Other.xml": b"<x/>"})))
    before = joins.count
    joins.count = 0
    other = b'<x a="face.json"/>'
    reach.reach(read_package(packed({**files, "Doc_0/Pages/Page_0/Other.xml": other})))
    assert joins.count == before


def test_a_file_that_names_too_much_is_refused_before_it_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    joins = Joins(monkeypatch)
    many = packed(naming(["./" * n + f"{m}/../face.json" for n in range(200) for m in range(200)]))
    with pytest.raises(DocumentRefused, match=r"^O4: .* more than 100000 ways"):
        check_ofd(many)
    assert joins.count <= reach.LOOKUPS_MAX + ROOTS


def test_the_judge_that_goes_on_after_o1_stops_at_too_many_names(monkeypatch: pytest.MonkeyPatch) -> None:
    joins = Joins(monkeypatch)
    first = f"{DEEP}first.xml"
    lines = b"".join(b'<x a="%d/../first.xml"/>' % n for n in range(1_000))
    named = f'<ofd:DocInfo a="{first}">'.encode()
    files = attacks.replaced(ours(), "OFD.xml", b"<ofd:DocInfo>", named)
    content = packed({**files, first: b"<x>" + lines + b"</x>"})
    (report,) = judge_ofd(content, trust=attacks.trust(), at=NOW)
    assert report.indication is Indication.INDETERMINATE
    assert "too many to follow" in report.checks[0].detail
    assert joins.count <= reach.LOOKUPS_MAX + ROOTS


PIECES = {
    "text that is shown": (attacks.PAGE, b"</ofd:TextCode>"),
    "location of a font": ("Doc_0/PublicRes.xml", b"</ofd:FontFile>"),
    "location of an annotation": ("Doc_0/Annots/Annotations.xml", b"</ofd:FileLoc>"),
    "location of a page's resources": ("Doc_0/Document.xml", b"</ofd:PublicRes>"),
}


@pytest.mark.parametrize("what", PIECES)
@pytest.mark.parametrize("between", [b"<!-- -->", b"<?x y?>", b"<x/>"])
def test_text_in_pieces_is_no_text(what: str, between: bytes) -> None:
    name, end = PIECES[what]
    whole = plain()[name]
    at = whole.index(end)  # three bytes are one character there, or three
    files = {**plain(), name: whole[: at - 3] + between + whole[at - 3 :]}
    with pytest.raises(DocumentRefused, match=r"^O2: the text of \w+ is in pieces"):
        check_ofd(packed(files))
    for report in judge_ofd(attacks.closed(files), trust=attacks.trust(), at=NOW):
        assert "xml" in {check.name for check in report.checks if check.result is CheckResult.FAILED}


def test_pieces_of_somebody_elses_xml_are_his() -> None:
    mixed = b"<a xmlns='http://example.cn'>x<b/>y<TextCode>x<!-- -->y</TextCode></a>"
    assert reach.reach(read_package(packed({**plain(), "Doc_0/CustomTags/Tag.xml": mixed}))).problem is None


def test_a_deep_file_is_refused_by_its_name() -> None:
    with pytest.raises(DocumentRefused, match=r"^O1: a name in the package has 201 parts"):
        check_ofd(packed(naming([], folder=DEEP)))
