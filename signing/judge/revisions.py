"""V7: what was added to a file between its signatures, by pyHanko's difference analysis made stricter.

pyHanko's own default lets through an empty signature field drawn over the text, filled-in forms, and any
change of the document's title. Here nothing passes but security stores (DSS), document time-stamps, and
signatures in fields that were there before; a further signature in a field of its own is told apart.
"""

import logging
import re
from copy import copy
from enum import Enum, auto
from functools import lru_cache
from io import BytesIO

import pikepdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, StandardDiffPolicy
from pyhanko.sign.diff_analysis.form_rules_api import FormUpdatingRule
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    DSSCompareRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.diff_analysis.rules.metadata_rules import DocInfoRule, MetadataUpdateRule
from pyhanko.sign.fields import MDPPerm

from signing.judge.fields import FormField, Signed, form_fields
from signing.judge.findings import SubIndication, failure
from signing.judge.updates import Additions
from signing.opening import open_pdf

# What every program that writes an update writes anew, and nobody reads as the document's content
_INFO_MAY_CHANGE = frozenset({"/ModDate", "/Producer"})
# Each with a rule of its own; never /MarkInfo, nor /NeedAppearances, with which readers draw forms anew
_CATALOGUE_MAY_CHANGE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version"})
_FORM_MAY_CHANGE = frozenset({"/Fields", "/DR", "/DA", "/Q"})
_XMP_MAY_CHANGE = re.compile(
    rb"<(xmp:ModifyDate|xmp:MetadataDate|pdf:Producer)>[^<]*</\1>"
    rb"|(?:xmp:ModifyDate|xmp:MetadataDate|pdf:Producer)=\"[^\"]*\"|\s"
)


class Later(Enum):
    """What stands behind a signed revision. `OWN_FIELD`: a signature in a field made after this one."""

    NOTHING = auto()
    PERMITTED = auto()
    OWN_FIELD = auto()


def check_revisions(pdf: bytes, additions: Additions, signed: Signed, *, newest: bool) -> Later:
    """Look at everything between one signature's revision and the file's end.

    1. every object that was written anew is one that a DSS, a time-stamp or a signature explains; 2. where
    no changes are permitted (DocMDP P = 1), that is a DSS or a time-stamp; 3. information and metadata say
    what they said; 4. no field was made but what is signed, where it is certified only a time-stamp.

    Raises:
        SignatureError: something else was changed (SIG_CONSTRAINTS_FAILURE).
    """
    if signed.range_end == len(pdf):
        return Later.NOTHING
    if additions.are_for_the_long_term(
        signed.range_end
    ):  # pyHanko reads no file that names what is not there
        return Later.PERMITTED
    reader = PdfFileReader(BytesIO(pdf), strict=True)
    embedded = next(each for each in reader.embedded_signatures if tuple(each.byte_range) == _numbers(signed))
    _quieten()
    embedded.compute_integrity_info(_policy(vouched=not newest))
    result, permission = embedded.diff_result, embedded.docmdp_level
    if not isinstance(result, DiffResult):  # 1
        raise _changed("something that no signature, time-stamp or security store explains")
    if permission is MDPPerm.NO_CHANGES and result.modification_level > ModificationLevel.LTA_UPDATES:  # 2
        raise _changed("something")
    with open_pdf(pdf[: signed.range_end]) as older, open_pdf(pdf) as newer:
        _check_information(older, newer)  # 3
        certified = permission is not None
        return _judged(_new_fields(older, newer), signed.range_end, certified=certified)  # 4


def _judged(new: list[FormField], end: int, *, certified: bool) -> Later:
    for each in new:
        value = each.held.get("/V")
        if not isinstance(value, pikepdf.Dictionary):
            raise _changed("an empty field")
        if Signed(each.held, value, each.name).range_end <= end:  # it would pass for one from before
            raise _changed("a signature that does not cover what was there")
        stamp = str(value.get("/SubFilter", "")) == "/ETSI.RFC3161" and not _is_visible(each.held)
        if not stamp and certified:
            raise _changed("a signature in a field that was not there when it was certified")
        if not stamp:
            return Later.OWN_FIELD
    return Later.PERMITTED


def _new_fields(older: pikepdf.Pdf, newer: pikepdf.Pdf) -> list[FormField]:
    before = {each.name for each in form_fields(older.Root)}
    return [each for each in form_fields(newer.Root) if each.name not in before]


def _is_visible(held: pikepdf.Object) -> bool:
    left, bottom, right, top = (float(side) for side in held.get("/Rect", [0, 0, 0, 0]))
    return left != right and bottom != top


def _check_information(older: pikepdf.Pdf, newer: pikepdf.Pdf) -> None:
    if _information(older) != _information(newer):
        raise _changed("the document's information, such as its title")
    if _metadata(older) != _metadata(newer):
        raise _changed("the document's metadata")


def _information(pdf: pikepdf.Pdf) -> bytes:
    held = pdf.trailer.get("/Info", pikepdf.Dictionary())
    kept = copy(held)  # shallow: the file's own dictionary stays as it is
    for key in _INFO_MAY_CHANGE & set(kept.keys()):
        del kept[key]
    return bytes(kept.unparse(resolved=True))


def _metadata(pdf: pikepdf.Pdf) -> bytes:
    held = pdf.Root.get("/Metadata")
    return _XMP_MAY_CHANGE.sub(b"", held.read_bytes()) if isinstance(held, pikepdf.Stream) else b""


def _numbers(signed: Signed) -> tuple[int, ...]:
    return tuple(int(number) for number in signed.signature.get("/ByteRange", pikepdf.Array()))


def _changed(what: str) -> Exception:
    return failure(
        SubIndication.SIG_CONSTRAINTS_FAILURE, f"After it was signed, {what} was added or changed."
    )


@lru_cache(maxsize=2)
def _policy(*, vouched: bool) -> StandardDiffPolicy:
    """PyHanko's rules without those for forms that are filled in, for any kind of field.

    `vouched`: a later signature covers what was added. Otherwise objects that nothing refers to yet are not
    let through: the next update may refer to them.
    """
    level = ModificationLevel.LTA_UPDATES
    return StandardDiffPolicy(
        global_rules=[
            CatalogModificationRule(ignored_keys=_CATALOGUE_MAY_CHANGE),
            DocInfoRule().as_qualified(level),
            XrefStreamRule().as_qualified(level),
            ObjectStreamRule().as_qualified(level),
            DSSCompareRule().as_qualified(level),
            MetadataUpdateRule().as_qualified(level),
        ],
        ignore_orphaned_objects=vouched,
        form_rule=FormUpdatingRule(
            [SigFieldCreationRule(), SigFieldModificationRule()], ignored_acroform_keys=_FORM_MAY_CHANGE
        ),
    )


@lru_cache(maxsize=1)
def _quieten() -> None:
    """What pyHanko finds suspicious it logs, with pieces of somebody's document in it."""
    logging.getLogger("pyhanko").addHandler(logging.NullHandler())
    logging.getLogger("pyhanko").propagate = False
