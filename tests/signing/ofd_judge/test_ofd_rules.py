"""Each rule of the OFD judge against a file that it alone catches: with the rule off, the file passes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

from signing.ofd_judge import (
    CHECK_NAMES,
    OF_SEALS,
    coverage,
    declared,
    judge_ofd,
    judging,
    markup,
    package,
    reach,
    signers,
    values,
)
from signing.ofd_judge.declared import Kind
from signing.ses import read_ses
from signing.validate import RecordedSignatures, Trust
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import (
    NOW,
    SIGNATURES,
    Seal,
    Sealing,
    closing,
    ours,
    packed,
    page,
    plain,
    sealed,
)
from tests.signing.ofd_judge.people import people
from tests.signing.workshop import Workshop
from vault.model.verdict import CheckResult, Indication, SealReport


def judged(
    content: bytes, trust: Trust | None = None, recorded: RecordedSignatures | None = None
) -> tuple[SealReport, ...]:
    return judge_ofd(content, trust=trust or attacks.trust(), at=NOW, recorded=recorded)


def names_of(reports: tuple[SealReport, ...], result: CheckResult) -> set[str]:
    return {check.name for report in reports for check in report.checks if check.result is result}


def failed(reports: tuple[SealReport, ...]) -> set[str]:
    return names_of(reports, CheckResult.FAILED)


def passes(reports: tuple[SealReport, ...]) -> bool:
    return bool(reports) and all(report.indication is Indication.TOTAL_PASSED for report in reports)


def on_record(reports: tuple[SealReport, ...]) -> RecordedSignatures:
    return RecordedSignatures(
        attacks.AUTHORITY, tuple((r.field_name or "", r.certificate_sha256 or "") for r in reports)
    )


def test_what_no_rule_minds_passes_every_one() -> None:
    content = packed(ours())
    reports = judged(content, attacks.listed())
    assert passes(reports), reports
    seal, lock = reports
    assert [check.name for check in seal.checks] == list(CHECK_NAMES)
    assert [check.name for check in lock.checks] == [name for name in CHECK_NAMES if name not in OF_SEALS]
    assert names_of(reports, CheckResult.UNKNOWN) == {"timestamp", "revocation"}  # there is nothing of these
    assert (seal.field_name, seal.authority) == ("s001", attacks.AUTHORITY)
    assert (lock.field_name, lock.authority) == ("s002", attacks.PLATFORM)
    assert seal.sealed_at == lock.sealed_at == NOW
    assert "样例市行政审批局" in (seal.signer or "")
    assert passes(judged(content, attacks.listed(), on_record(reports)))
    assert passes(judge_ofd(content, trust=attacks.trust(), at=NOW, ours=True))


def test_a_file_without_signatures_has_no_report() -> None:
    undeclared = b"<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>"
    assert judged(packed(attacks.replaced(plain(), "OFD.xml", undeclared, b""))) == ()
    listed_none = {**plain(), SIGNATURES: b'<Signatures xmlns="http://www.ofdspec.org/2016"/>'}
    assert judged(packed(listed_none)) == ()


@pytest.mark.parametrize(
    "how",
    [
        Sealing(),
        Sealing(check_method="SM3"),
        Sealing(check_method="sm3"),
        Sealing(with_esl=False),
        closing(),
        closing(leaves=(SIGNATURES,)),
    ],
    ids=["usual", "by its word", "small letters", "no Seal.esl", "bare and closing", "bare and open"],
)
def test_what_real_files_have_passes(how: Sealing) -> None:
    reports = judged(packed(sealed(plain(), how)))
    assert passes(reports), reports


def test_what_a_file_writes_draws_in_no_sentence() -> None:
    drawing = "Doc_0/\u202egnp.xml"
    loose = {**sealed(plain()), drawing: b"x"}
    signed = sealed({**plain(), drawing: b"x"})
    gone = {name: body for name, body in signed.items() if name != drawing}
    method = sealed(plain(), Sealing(check_method="\u202eMS"))
    for files in (loose, {**signed, drawing: b"y"}, gone, method):
        reports = judged(packed(files))
        assert failed(reports) & {"coverage", "digest"}
        details = [check.detail for report in reports for check in report.checks]
        assert all(detail.isprintable() for detail in details), details


def _never(*_: object, **__: object) -> None:
    return None


def _said(*_: object, **__: object) -> str:
    return "Not looked at."


def _lenient_ses(encoded: bytes) -> Any:  # noqa: ANN401 - as the rule returns
    """As a reader that takes the first value and no notice of the rest."""
    return read_ses(encoded[: 4 + int.from_bytes(encoded[2:4], "big")])


def _torn_text(element: markup.Element) -> str:
    return element.text.strip()


# Name of the check, the file, and what switches the rule off: where it is, its name, its replacement.
ONE_RULE: dict[str, tuple[str, Callable[[], bytes], ModuleType | type, str, Any]] = {
    "O1 two of one name": ("package", attacks.two_of_one_name, package, "check_archive", _never),
    "O1 a drive": ("package", attacks.drive_name, package, "check_names", _never),
    "O1 a link": ("package", attacks.symbolic_link, package, "check_kind", _never),
    "O1 two headers": ("package", attacks.other_local_name, package, "check_layout", _never),
    "O1 bytes behind": ("package", attacks.bytes_behind, package, "check_one_thing", _never),
    "O1 two files in one": ("package", attacks.two_files_in_one, package, "check_one_thing", _never),
    "O2 doctype": ("xml", attacks.doctype, markup, "refuse_doctype", _never),
    "O3 DocRoot": ("structure", attacks.other_document_root, judging, "check_entrance_covered", _never),
    "O3 two bodies": ("structure", attacks.two_bodies, judging, "check_entrance", _never),
    "O4 template": ("coverage", attacks.free_template, judging, "check_coverage", _said),
    "O4 font": ("coverage", attacks.free_font, judging, "check_coverage", _said),
    "O4 added": ("coverage", attacks.added_file, judging, "check_coverage", _said),
    "O5 unsaid": ("digest", attacks.method_unsaid, judging, "check_method", _never),
    "O5 keyed": ("digest", attacks.method_keyed, judging, "check_method", _never),
    "O5 picture": ("digest", attacks.other_picture, judging, "check_digests", _never),
    "O5 gone": ("digest", attacks.file_gone, judging, "check_digests", _never),
    "O6 trailing DER": ("signed_value", attacks.trailing_der, values, "read_ses", _lenient_ses),
    "O6 another document's": ("data_hash", attacks.transplanted_value, judging, "check_data_hash", _never),
    "O6 place": ("property_info", attacks.made_for_another_place, judging, "check_property_info", _never),
    "O6 value": ("signature", attacks.broken_value, signers, "check_signature", _never),
    "O6 seal's picture": ("seal_maker", attacks.other_seal_picture, signers, "check_maker", _never),
    "O6 picture beside": ("seal_copy", attacks.picture_of_another_seal, signers, "check_copy", _said),
    "O6 list": ("seal_signers", attacks.signer_not_in_its_list, signers, "check_signers", _never),
    "O6 validity": ("seal_validity", attacks.outside_its_validity, signers, "check_validity", _never),
}


@pytest.mark.parametrize("rule", ONE_RULE)
def test_a_file_that_one_rule_alone_catches(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, make, module, function, off = ONE_RULE[rule]
    content = make()
    reports = judged(content)
    assert failed(reports) == {name}, reports
    assert any(report.indication is not Indication.TOTAL_PASSED for report in reports)
    monkeypatch.setattr(module, function, off)
    assert passes(judged(content)), "another rule catches it too"


def test_o2_a_text_in_pieces_is_read_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    content = attacks.text_in_pieces()
    (report,) = judged(content)
    assert (report.indication, report.checks[0].name) == (Indication.INDETERMINATE, "readable")
    assert "in pieces" in report.checks[0].detail
    monkeypatch.setattr(markup.Element, "whole_text", _torn_text)
    monkeypatch.setattr(reach, "_torn", lambda _: iter(()))
    assert passes(judged(content))


def test_o6_the_first_version_is_read_and_never_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = attacks.first_version()
    (report,) = judged(content)
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "CRYPTO_CONSTRAINTS_FAILURE",
    )
    assert not failed((report,))
    monkeypatch.setattr(values, "V1", 0)
    assert passes(judged(content)), "another rule catches it too"


@pytest.mark.parametrize("name", ["MD5", "SHA1"])
def test_o5_weak_digests(name: str) -> None:
    (report,) = judged(attacks.weak_digests(name))
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "CRYPTO_CONSTRAINTS_FAILURE",
    )


def test_o6_a_maker_of_no_known_root() -> None:
    (report,) = judged(attacks.seal_by_nobody())
    assert failed((report,)) == {"seal_maker"}
    assert report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_a_signer_of_no_known_root() -> None:
    (report,) = judged(attacks.by_a_stranger())
    assert failed((report,)) == {"chain"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "NO_CERTIFICATE_CHAIN_FOUND",
    )


def test_a_time_in_the_future_and_one_before_the_certificate() -> None:
    (report,) = judged(attacks.signed_in_the_future())
    assert failed((report,)) == {"signing_time"}
    early = NOW - timedelta(days=3)
    (report,) = judged(attacks.one_seal(Sealing(at=early)))
    assert failed((report,)) == {"signing_time"}


def test_a_certificate_at_its_end_without_proven_time() -> None:
    later = NOW + timedelta(days=4000)
    (report,) = judge_ofd(attacks.one_seal(Sealing()), trust=attacks.trust(), at=later)
    assert failed((report,)) == {"chain"}
    assert report.sub_indication == "OUT_OF_BOUNDS_NO_POE"


def test_the_seal_list_says_whose_a_seal_is() -> None:
    (report,) = judged(attacks.one_seal(Sealing(signer=people().other_signer)), attacks.listed())
    assert "seal_list" in failed((report,))
    assert report.authority is None


# ---- several signatures -----------------------------------------------------------------------------------


def test_a_stranger_who_signs_later_takes_the_seal_along() -> None:
    first, second = judged(attacks.a_stranger_signs_later())
    assert second.indication is Indication.INDETERMINATE
    assert (first.indication, first.sub_indication) == (Indication.INDETERMINATE, "SIG_CONSTRAINTS_FAILURE")
    assert next(c.result for c in first.checks if c.name == "coverage") is CheckResult.UNKNOWN


def test_a_second_seal_of_somebody_known_is_no_harm() -> None:
    twice = sealed(sealed(plain()), Sealing(signer=people().signer))
    assert passes(judged(packed(sealed(twice, closing()))))


def test_nobody_signs_after_the_lock() -> None:
    files = sealed(ours(), Sealing())
    seal, lock, late = judged(packed(files))
    assert lock.sub_indication == "HASH_FAILURE"  # Signatures.xml is another than was signed
    assert late.indication is Indication.TOTAL_PASSED
    assert seal.indication is Indication.INDETERMINATE


def test_content_that_only_a_later_signature_covers_is_not_the_seals() -> None:
    """A usage copy's watermark (加注): the first signature is older than it."""
    mark = "Doc_0/Annots/Page_0/Annotation.xml"
    files = sealed(plain(), closing(leaves=(SIGNATURES, mark)))
    files = sealed(changed_mark(files, mark), closing())
    first, second = judged(packed(files))
    assert failed((first,)) == {"coverage"}
    assert "Partial coverage" in next(c.detail for c in first.checks if c.name == "coverage")
    assert second.indication is Indication.TOTAL_PASSED


def changed_mark(files: dict[str, bytes], mark: str) -> dict[str, bytes]:
    return attacks.replaced(files, mark, b"Watermark", b"Stamp")


@pytest.mark.parametrize("claimed", [attacks.PAGE, "Doc_0/Res/font_3.ttf"])
def test_content_is_content_although_a_signature_calls_it_its_own(claimed: str) -> None:
    """A later signature that names a page as its Seal.esl does not excuse that nobody covers the page."""
    files = sealed(plain(), Sealing(leaves=(SIGNATURES, claimed)))
    files = sealed(files, Sealing(with_esl=False, leaves=(SIGNATURES, claimed)))
    second = "Doc_0/Signs/Sign_1/Signature.xml"
    seal = f"<ofd:Seal><ofd:BaseLoc>/{claimed}</ofd:BaseLoc></ofd:Seal>".encode()
    files = attacks.replaced(files, second, b"</ofd:SignedInfo>", seal + b"</ofd:SignedInfo>")
    first, _ = judged(packed(files))
    assert failed((first,)) == {"coverage"}


# ---- O4: everything that can be added or changed ----------------------------------------------------------


def _added_page() -> dict[str, bytes]:
    files = {**ours(), "Doc_0/Pages/Page_1/Content.xml": page("多的一页")}
    line = b'<ofd:Page ID="99" BaseLoc="Pages/Page_1/Content.xml"/></ofd:Pages>'
    return attacks.replaced(files, "Doc_0/Document.xml", b"</ofd:Pages>", line)


def _added_annotation() -> dict[str, bytes]:
    mark = b'<PageAnnot xmlns="http://www.ofdspec.org/2016"><Annot ID="98"/></PageAnnot>'
    files = {**ours(), "Doc_0/Annots/Page_0/More.xml": mark}
    line = b'<ofd:Page PageID="1"><ofd:FileLoc>Page_0/More.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>'
    return attacks.replaced(files, "Doc_0/Annots/Annotations.xml", b"</ofd:Annotations>", line)


def _added_attachment() -> dict[str, bytes]:
    files = {**ours(), "Doc_0/Attachs/more.exe": b"MZ"}
    line = b'<ofd:Attachment ID="97" Name="x"><ofd:FileLoc>more.exe</ofd:FileLoc></ofd:Attachment>'
    return attacks.replaced(
        files, "Doc_0/Attachs/Attachments.xml", b"</ofd:Attachments>", line + b"</ofd:Attachments>"
    )


@pytest.mark.parametrize("add", [_added_page, _added_annotation, _added_attachment])
def test_what_is_added_to_our_file_breaks_it(add: Callable[[], dict[str, bytes]]) -> None:
    reports = judged(packed(add()), attacks.listed())
    assert all(report.indication is Indication.TOTAL_FAILED for report in reports)
    assert failed(reports) == {"digest", "coverage"}


def test_what_lies_beside_a_closed_file_of_ours_breaks_it_and_a_strangers_is_left_undecided() -> None:
    added = attacks.added_file()
    seal, lock = judged(added, attacks.listed())
    assert (lock.indication, lock.sub_indication) == (Indication.TOTAL_FAILED, "FORMAT_FAILURE")
    assert seal.indication is Indication.INDETERMINATE
    for report in judged(added):
        assert (report.indication, report.sub_indication) == (
            Indication.INDETERMINATE,
            "SIG_CONSTRAINTS_FAILURE",
        )
        assert "payload.exe" in next(c.detail for c in report.checks if c.name == "coverage")


def test_a_makers_own_files_beside_a_signature_are_told_and_ours_has_none() -> None:
    private = {**sealed(plain()), "Doc_0/Signs/Sign_0/signFilePaths.dat": b"x"}
    (report,) = judged(packed(private))
    assert report.indication is Indication.TOTAL_PASSED
    assert "signFilePaths.dat" in next(c.detail for c in report.checks if c.name == "coverage")
    (report,) = judged(packed(private), attacks.listed())
    assert failed((report,)) == {"coverage"}


ALL_CONTENT = [name for name in plain() if name not in {"OFD.xml", "Doc_0/Document.xml"}]


@pytest.mark.parametrize("name", ALL_CONTENT)
def test_every_kind_of_file_is_reached_and_missed_where_it_is_free(name: str) -> None:
    (report,) = judged(packed(sealed(plain(), Sealing(leaves=(SIGNATURES, name)))))
    check = next(c for c in report.checks if c.name == "coverage")
    assert check.result is CheckResult.FAILED
    assert name in check.detail
    assert "nothing leads there" not in check.detail


def test_a_free_signature_list_is_no_harm_and_a_free_entrance_is_told() -> None:
    (report,) = judged(packed(sealed(plain(), Sealing(leaves=(SIGNATURES, "OFD.xml")))))
    assert failed((report,)) == {"structure"}
    assert report.indication is Indication.INDETERMINATE


# ---- O7: what stands on record ----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [attacks.stripped, attacks.resealed])
def test_o7_other_signatures_than_on_record(make: Callable[[], bytes]) -> None:
    recorded = on_record(judged(packed(ours())))
    content = make()
    assert passes(judged(content)), "another rule catches it too"
    reports = judged(content, recorded=recorded)
    assert failed(reports) == {"recorded_signatures"}
    assert not passes(reports)


def test_o7_signatures_with_values_of_another_kind_are_not_those_on_record() -> None:
    recorded = on_record(judged(packed(ours())))
    swapped = replace(closing(), leaves=(SIGNATURES,))
    reports = judged(packed(sealed(sealed(plain(), swapped), closing())), recorded=recorded)
    assert failed(reports) == {"recorded_signatures"}


# ---- what cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04", "end record"),
        (packed({"a.xml": b"<a/>"}), "no OFD.xml"),
        (packed({"OFD.xml": b"<a/>"}), "its root is no element OFD"),
        (packed({**ours(), "OFD.xml": b"<!DOCTYPE x>" + ours()["OFD.xml"][39:]}), "DOCTYPE"),
        (packed({k: v for k, v in ours().items() if k != SIGNATURES}), "Signatures.xml is not there"),
    ],
    ids=["no zip", "no OFD.xml", "another root", "doctype at the entrance", "list gone"],
)
def test_what_cannot_be_read_gets_one_report(content: bytes, says: str) -> None:
    (report,) = judged(content)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")
    assert report.checks[0].name == "readable"
    assert says in report.checks[0].detail


def test_a_signature_that_is_declared_and_gone_is_told() -> None:
    files = {name: body for name, body in sealed(plain()).items() if name != attacks.FIRST}
    (report,) = judged(packed(files))
    assert report.indication is Indication.INDETERMINATE
    assert "not in the package" in next(c.detail for c in report.checks if c.name == "structure")
    (report,) = judged(packed({n: b for n, b in sealed(plain()).items() if n != attacks.FIRST_VALUE}))
    assert failed((report,)) == {"signed_value"}


def test_two_signatures_of_one_name_are_refused() -> None:
    files = attacks.replaced(sealed(sealed(plain())), SIGNATURES, b"s002", b"s001")
    (report,) = judged(packed(files))
    assert "under one name" in report.checks[0].detail


def test_the_kind_of_a_signature_is_what_the_standard_says() -> None:
    assert [each.kind for each in _declared(packed(ours()))] == [Kind.SEAL, Kind.SIGN]


def _declared(content: bytes) -> tuple[declared.Declared, ...]:
    return declared.read_declared(package.read_package(content), SIGNATURES)


def test_a_sentence_names_eight_files_and_counts_the_rest() -> None:
    assert coverage.NAMED_MAX == 8
    free = [SIGNATURES, *ALL_CONTENT]
    (report,) = judged(packed(sealed(plain(), Sealing(leaves=free))))
    assert f"and {len(ALL_CONTENT) - 8} more" in next(c.detail for c in report.checks if c.name == "coverage")


# ---- O2 on whatever a reader reads as XML -----------------------------------------------------------------


def _page_elsewhere(name: str, body: bytes) -> dict[str, bytes]:
    """The page under another name, so that its name does not tell that it is XML."""
    files = {**plain(), name: body}
    del files[attacks.PAGE]
    return attacks.replaced(files, "Doc_0/Document.xml", b"Pages/Page_0/Content.xml", f"/{name}".encode())


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_o2_a_page_is_xml_whatever_its_name_is(encoding: str) -> None:
    written = page("样例").decode().replace("UTF-8", encoding).encode(encoding)
    for body in (written, page("x").replace(b"?>\n", b"?>\n<!DOCTYPE x>")):
        reports = judged(attacks.closed(_page_elsewhere("Doc_0/page.dat", body)))
        assert failed(reports) == {"xml"}
        assert "Doc_0/page.dat" in next(c.detail for c in reports[0].checks if c.name == "xml")
    assert passes(judged(attacks.closed(_page_elsewhere("Doc_0/page.dat", page("x")))))


def test_o2_an_attachment_may_be_what_it_likes() -> None:
    for body in (b"<!DOCTYPE html><html></html>", b"\xff\xfe<", b"<a>"):
        files = {**plain(), "Doc_0/Attachs/face.json": body}
        assert passes(judged(attacks.closed(files)))


# ---- time-stamps and extensions ---------------------------------------------------------------------------


def test_a_time_stamp_proves_the_time_also_when_the_certificate_is_at_its_end(workshop: Workshop) -> None:
    def stamp(value: bytes) -> bytes:
        return workshop.tsa.stamp(sha256(value).digest(), NOW)

    both = Trust((*attacks.trust().roots, workshop.root))
    (report,) = judged(attacks.one_seal(Sealing(stamp=stamp)), both)
    assert (report.indication, report.proven_at) == (Indication.TOTAL_PASSED, NOW)
    (report,) = judged(attacks.one_seal(Sealing(stamp=stamp)))
    assert failed((report,)) == {"timestamp"}  # of an authority that nobody knows
    (report,) = judged(attacks.one_seal(Sealing(stamp=lambda value: stamp(value + b"x"))), both)
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "SIG_CONSTRAINTS_FAILURE")
    (report,) = judged(attacks.one_seal(Sealing(stamp=lambda _: b"0")), both)
    assert report.indication is Indication.INDETERMINATE


@pytest.mark.parametrize("critical", [False, True])
def test_a_vendors_extension_is_passed_over_unless_it_is_critical(critical: bool) -> None:  # noqa: FBT001 - a pytest parameter
    (report,) = judged(attacks.one_seal(Sealing(seal=Seal(extension=critical).encoded())))
    assert failed((report,)) == ({"signed_value"} if critical else set())
    assert (report.indication is Indication.TOTAL_PASSED) is not critical


def test_64_raw_bytes_are_a_signature_value_too() -> None:
    """As some vendors write it (national standards, trap 2)."""
    (report,) = judged(attacks.raw_value())
    assert report.indication is Indication.TOTAL_PASSED
