"""O2: XML that two readers would read as two documents is refused."""

import pytest

from signing.ofd_judge.markup import DEPTH_MAX, Budget, read_xml
from vault.errors import DocumentRefused

NS = 'xmlns="http://www.ofdspec.org/2016"'

REFUSED = {
    "doctype": b"<!DOCTYPE a><a/>",
    "entities": b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "laughs": b'<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
    "entity that nobody declared": b"<a>&x;</a>",
    "outside": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "gbk": '<?xml version="1.0" encoding="GBK"?><a>证</a>'.encode("gbk"),
    "gbk by its word": b'<?xml version="1.0" encoding="GBK"?><a/>',
    "utf-16": '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
    "two roots": b"<a/><b/>",
    "not well-formed": b"<a><b></a>",
    "nothing": b"",
    "two attributes of one name": b'<a xmlns:x="u" BaseLoc="1" x:BaseLoc="2"/>',
    "deep": b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
    "nul": b"<a>\x00</a>",
}


@pytest.mark.parametrize("what", REFUSED)
def test_xml_that_is_refused(what: str) -> None:
    with pytest.raises(DocumentRefused, match=r"^O2: "):
        read_xml(REFUSED[what])


def test_what_real_files_have_is_read() -> None:
    root = read_xml(
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><!-- made by x --><ofd:a xmlns:ofd='
        b'"http://www.ofdspec.org"><!-- b --><ofd:b Name="n"> <![CDATA[Doc_0/]]>a&amp;b.xml </ofd:b></ofd:a>'
    )
    assert (root.name, root.namespace) == ("a", "http://www.ofdspec.org")
    assert root.value("b") == "Doc_0/a&b.xml"
    assert root.value("c") is None


@pytest.mark.parametrize(
    "torn",
    [
        "<b>Doc_0/<!-- x -->Document.xml</b>",
        "<b><!-- x -->Document.xml</b>",
        "<b>Doc_0/<?x y?>Document.xml</b>",
        "<b>Doc_0/<c/>Document.xml</b>",
        "<b>Doc_0<c/></b>",
    ],
)
def test_a_text_in_pieces_has_no_value(torn: str) -> None:
    root = read_xml(f"<a {NS}>{torn}</a>".encode())
    with pytest.raises(DocumentRefused, match="in pieces"):
        root.value("b")


def test_one_of_two_is_not_chosen() -> None:
    with pytest.raises(DocumentRefused, match="2 elements b"):
        read_xml(f"<a {NS}><b>1</b><b>2</b></a>".encode()).value("b")
    with pytest.raises(DocumentRefused, match="another namespace"):
        read_xml(f'<a {NS}><b>1</b><x:b xmlns:x="u">2</x:b></a>'.encode()).value("b")


def test_a_blank_that_is_none_to_others_stays() -> None:
    assert read_xml(f"<a {NS}><b>\u3000x</b></a>".encode()).value("b") == "\u3000x"


def test_a_great_page_is_read_and_a_greater_one_is_not() -> None:
    many = b"<a>" + b"<b/>" * 100_000 + b"</a>"
    assert len(read_xml(many).children) == 100_000
    with pytest.raises(DocumentRefused, match="nodes"):
        read_xml(b"<a>" + b"<b/>" * 300_000 + b"</a>")
    with pytest.raises(DocumentRefused, match="bytes"):
        read_xml(b"<a>" + b" " * (16 * 1024 * 1024) + b"</a>")


def test_several_files_share_what_may_be_read() -> None:
    budget = Budget(10)
    read_xml(b"<a>" + b"<b/>" * 5 + b"</a>", budget)
    with pytest.raises(DocumentRefused, match="nodes"):
        read_xml(b"<a>" + b"<b/>" * 5 + b"</a>", budget)
