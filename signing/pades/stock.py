"""Sealing by pyHanko's writer: whatever the fast path does not take.

Only the update's layout comes from pyHanko; digest, signature and CMS are made by the caller as on the fast
path, so that asn1crypto never encodes what we send.
"""

from io import BytesIO
from typing import cast

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
)
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject

from signing.appearance import PICTURE_UNITS, PageFrame, SealAppearance, deflated, qr_operators
from signing.pades.structure import Sealable
from signing.pades.update import PreparedUpdate, SealText
from vault.errors import DocumentRefused


class _LeavesMetadataAlone(IncrementalPdfFileWriter):
    """pyHanko's writer rewrites /Info and XMP, which ends a PDF/A-1 claim; this one does not."""

    def _update_meta(self) -> None:
        """Nothing: the document's own metadata stay as they were handed in."""


def prepare_update(
    document: bytes, sealable: Sealable, appearance: SealAppearance, text: SealText, room_bytes: int
) -> PreparedUpdate:
    """The same update as `signing.pades.update.prepare_update`, laid out by pyHanko.

    A file that is signed already is countersigned: an approval signature with a lock of all fields and no
    changes permitted afterwards (ISO 32000-2, table 236), and no page content is added.

    Raises:
        DocumentRefused: pyHanko cannot read the file, or it is encrypted.
        InputError: seal or QR would stand off the page.
    """
    box = sealable.seal_page.frame.square(appearance.x_mm, appearance.y_mm, appearance.diameter_mm)
    lock = FieldMDPSpec(FieldMDPAction.ALL) if sealable.signed else None
    spec = SigFieldSpec(
        text.field_name,
        on_page=appearance.page - 1,
        box=cast("tuple[int, int, int, int]", box),  # pyHanko writes fractions just as well
        field_mdp_spec=lock,
        doc_mdp_update_value=MDPPerm.NO_CHANGES if sealable.signed else None,
        readable_field_name=text.reason,
    )
    placeholder = SignatureObject(
        timestamp=text.at,
        subfilter=SigSeedSubFilter.PADES,
        location=text.location,
        reason=text.reason,
        bytes_reserved=2 * room_bytes,  # counts hexadecimal digits
    )
    mdp = SigMDPSetup(
        md_algorithm="sha256",
        certify=not sealable.signed,
        field_lock=lock,
        docmdp_perms=MDPPerm.NO_CHANGES,
    )
    try:
        # not strict: hybrid cross-references, for one, are refused otherwise
        writer = _LeavesMetadataAlone.from_reader(PdfFileReader(BytesIO(document), strict=False))
        _draw_qr(writer, sealable, appearance)
        steps = PdfCMSEmbedder(spec).write_cms(text.field_name, writer)
        field = next(steps).get_object()
        field["/AP"] = generic.DictionaryObject(
            {pdf_name("/N"): _picture(writer, sealable, appearance, sealable.seal_page.frame)}
        )
        steps.send(SigObjSetup(sig_placeholder=placeholder, mdp_setup=mdp))
        digest, output = steps.send(SigIOSetup(md_algorithm="sha256"))
    except (  # pyHanko takes much of a file's shape for granted
        PdfError,
        SigningError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        AssertionError,
        RecursionError,
    ) as error:
        raise DocumentRefused("The PDF is damaged: a seal cannot be appended to it.") from error
    return _split(document, output.getbuffer().tobytes(), digest, room_bytes)


def _split(
    document: bytes, laid_out: bytes, digest: PreparedByteRangeDigest, room_bytes: int
) -> PreparedUpdate:
    if not laid_out.startswith(document):
        raise DocumentRefused("The PDF is damaged: it cannot be kept byte for byte under a seal.")
    head = laid_out[len(document) : digest.reserved_region_start]
    return PreparedUpdate(document, head, room_bytes, laid_out[digest.reserved_region_end :])


def _picture(
    writer: IncrementalPdfFileWriter, sealable: Sealable, appearance: SealAppearance, frame: PageFrame
) -> generic.IndirectObject:
    colours = generic.DictionaryObject()
    if sealable.needs_default_rgb:
        colours[pdf_name("/ColorSpace")] = generic.DictionaryObject({pdf_name("/DefaultRGB"): _default_rgb()})
    return _add_stream(
        writer,
        {
            "/Type": pdf_name("/XObject"),
            "/Subtype": pdf_name("/Form"),
            "/BBox": _numbers(0, 0, PICTURE_UNITS, PICTURE_UNITS),
            "/Matrix": _numbers(*frame.upright(), 0, 0),
            "/Resources": colours,
        },
        appearance.picture,
    )


def _default_rgb() -> generic.ArrayObject:
    parameters = generic.DictionaryObject(
        {
            pdf_name("/WhitePoint"): _numbers(0.9505, 1, 1.089),
            pdf_name("/Gamma"): _numbers(2.2, 2.2, 2.2),
            pdf_name("/Matrix"): _numbers(
                0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505
            ),
        }
    )
    return generic.ArrayObject([pdf_name("/CalRGB"), parameters])


def _draw_qr(writer: IncrementalPdfFileWriter, sealable: Sealable, appearance: SealAppearance) -> None:
    page = sealable.qr_page or sealable.seal_page
    if appearance.qr is None or page.wrapping is None:
        return
    reference, _ = writer.find_page_for_modification(appearance.qr.page - 1)
    held = reference.get_object()
    contents = held.raw_get("/Contents") if "/Contents" in held else generic.ArrayObject()
    if isinstance(contents, generic.IndirectObject) and isinstance(
        contents.get_object(), generic.ArrayObject
    ):
        contents = contents.get_object()
    parts = list(contents) if isinstance(contents, generic.ArrayObject) else [contents]
    opening, closing = page.wrapping.around(qr_operators(appearance.qr, page.frame))
    held["/Contents"] = generic.ArrayObject(
        [_add_stream(writer, {}, opening), *parts, _add_stream(writer, {}, closing)]
    )
    writer.mark_update(reference)


def _add_stream(
    writer: IncrementalPdfFileWriter, entries: dict[str, generic.PdfObject], content: bytes
) -> generic.IndirectObject:
    held = generic.StreamObject(
        {pdf_name(key): value for key, value in {**entries, "/Filter": pdf_name("/FlateDecode")}.items()},
        encoded_data=deflated(content),
    )
    return writer.add_object(held)


def _numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(value) for value in values])
