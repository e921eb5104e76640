"""Files that each break one rule of the judge and no other, made from files that we sealed ourselves."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO

import pikepdf
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko import stamp
from pyhanko.pdf_utils import generic, layout
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import MDPPerm
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing import cms, der
from signing.appearance import SealAppearance
from signing.keys import FileSealingKey, SignatureAlgorithm
from signing.pades.structure import read_sealable
from signing.pades.update import PreparedUpdate, SealText, prepare_update
from signing.validate import ListedSeal, RecordedSignatures, Trust
from tests.signing.workshop import NOW, PICTURE, Workshop, tiny_pdf

AUTHORITY = "91350100M000100Y43"
FIELD = "certvault-seal"
_RANGE = re.compile(rb"/ByteRange(\[[0-9 ]+\] *)/Contents$")
# Larger than any CMS here, so that a changed one still fits its gap
_ROOM_BYTES = 8_000


def key_of(workshop: Workshop) -> FileSealingKey:
    """The key that everything here is sealed with."""
    return workshop.keys[SignatureAlgorithm.ECDSA_P256_SHA256]


def listed(workshop: Workshop, *, until: datetime | None = None) -> Trust:
    """The root, and a list with the one seal on it."""
    digest = sha256(key_of(workshop).certificate).hexdigest()
    return replace(workshop.trust, seals=(ListedSeal(digest, AUTHORITY, NOW - timedelta(days=1), until),))


def on_record(workshop: Workshop, *names: str) -> RecordedSignatures:
    """A record of signatures by the one seal, in fields of these names."""
    digest = sha256(key_of(workshop).certificate).hexdigest()
    return RecordedSignatures(AUTHORITY, tuple((name, digest) for name in names))


@dataclass(frozen=True)
class ByHand:
    """A seal laid out by our own writer, to be filled with what a test likes."""

    workshop: Workshop
    update: PreparedUpdate

    def fill(self, value: bytes | None = None) -> bytes:
        """The file; without a value, with a good time-stamped signature."""
        return self.update.fill(self.value() if value is None else value)

    def value(self) -> bytes:
        """A good time-stamped CMS over this update."""
        prepared = cms.prepare(key_of(self.workshop))
        signed = prepared.signed_attributes(self.update.digest())
        signature = prepared.key.sign(signed)
        token = self.workshop.tsa.stamp(sha256(signature).digest(), NOW)
        return prepared.finish(signed, signature, token=token)

    def followed_by(self, more: bytes) -> "ByHand":
        """The same with bytes behind its end mark that the signature covers."""
        tail = self.update.tail + more
        found = _RANGE.search(self.update.head)
        assert found is not None
        numbers = [int(number) for number in found[1].strip(b"[] ").split()]
        text = (b"[0 %d %d %d]" % (numbers[1], numbers[2], len(tail))).ljust(len(found[1]))
        head = self.update.head[: found.start(1)] + text + self.update.head[found.end(1) :]
        return replace(self, update=replace(self.update, head=head, tail=tail))


def by_hand(workshop: Workshop, document: bytes | None = None) -> ByHand:
    """Our own update of a page, with more room than a signature needs."""
    document = tiny_pdf() if document is None else document
    sealable = read_sealable(document, field_name=FIELD, seal_page=1, qr=None)
    appearance = SealAppearance(PICTURE, page=1, x_mm=150, y_mm=200, diameter_mm=42)
    text = SealText(FIELD, "电子证照签发", "样例市", NOW)
    return ByHand(workshop, prepare_update(document, sealable, appearance, text, _ROOM_BYTES))


def zip_at_the_end(workshop: Workshop) -> bytes:
    """V1: an empty ZIP behind the PDF's end, under the signature; its comment ends as a PDF does."""
    comment = b"\n%%EOF\n"
    end = b"PK\x05\x06" + bytes(16) + len(comment).to_bytes(2, "little") + comment
    return by_hand(workshop).followed_by(end).fill()


def scripted(workshop: Workshop) -> bytes:
    """V2: a link that runs JavaScript, under the signature."""
    action = pikepdf.Dictionary({"/S": pikepdf.Name.JavaScript, "/JS": pikepdf.String("app.alert(1)")})
    link = pikepdf.Dictionary(
        {"/Type": pikepdf.Name.Annot, "/Subtype": pikepdf.Name.Link, "/Rect": [0, 0, 9, 9], "/A": action}
    )
    return workshop.seal(tiny_pdf(page={"/Annots": [link]}), tsa=workshop.tsa).content


def two_signers(workshop: Workshop) -> bytes:
    """V4: a second SignerInfo behind the good one."""
    held = by_hand(workshop)
    return held.fill(with_signers(held.value(), 2))


def with_signers(value: bytes, times: int) -> bytes:
    """The CMS with its first SignerInfo so many times. By our own DER: asn1crypto would need minutes."""
    kind, wrapped = der.read(value).children()
    (signed_data,) = wrapped.children()
    *head, signers = signed_data.children()
    again = der.tlv(der.SET, *[signers.children()[0].encoded] * times)
    body = der.sequence(*(part.encoded for part in head), again)
    return der.sequence(kind.encoded, der.tlv(der.context(0), body))


def blanks_in_the_gap(workshop: Workshop) -> bytes:
    """V5: the gap holds more than hexadecimal digits; a reader of strings does not mind."""
    content = workshop.seal(tiny_pdf(), tsa=workshop.tsa).content
    end = content.index(b">", content.index(b"/Contents<"))
    return content[: end - 2] + b"\n\n" + content[end:]


def store_behind(workshop: Workshop, content: bytes | None = None) -> bytes:
    """V6: an empty security store added behind the newest signature, which even P = 1 permits."""
    content = workshop.seal(tiny_pdf(), tsa=workshop.tsa).content if content is None else content
    writer = IncrementalPdfFileWriter(BytesIO(content))
    kind = {generic.pdf_name("/Type"): generic.pdf_name("/DSS")}
    writer.root["/DSS"] = writer.add_object(generic.DictionaryObject(kind))
    writer.update_root()
    return written(writer)


def language_between(workshop: Workshop) -> bytes:
    """V7: the second signer changed the document's language with the signature; nothing is to be seen."""
    writer = IncrementalPdfFileWriter(BytesIO(certified(workshop, box=(0, 0, 0, 0))))
    writer.root["/Lang"] = generic.TextStringObject("en")
    writer.update_root()
    return signed(writer, workshop, "later")


def second_field(workshop: Workshop) -> bytes:
    """V8: a form prepared so that its field answers to the number which the signature will get."""
    with pikepdf.open(BytesIO(tiny_pdf())) as pdf:
        held = pikepdf.Dictionary({"/FT": pikepdf.Name.Sig, "/T": "guest", "/V": "0000"})
        pdf.Root.AcroForm = pikepdf.Dictionary({"/Fields": pikepdf.Array([pdf.make_indirect(held)])})
        out = BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    prepared = out.getvalue()
    signature = int(prepared.split(b"/Size ")[1].split()[0]) + 1
    assert prepared.count(b"(0000)") == 1
    prepared = prepared.replace(b"(0000)", (b"%d 0 R" % signature).ljust(6))
    return workshop.seal(prepared, tsa=workshop.tsa).content


def covering_appearance(workshop: Workshop) -> bytes:
    """V11: the second signer used a field made beforehand, and covered what stands under it in white."""
    writer = IncrementalPdfFileWriter(BytesIO(certified(workshop, box=(90, 90, 160, 160))))
    white = RawContent(b"1 1 1 rg 0 0 70 70 re f", box=layout.BoxConstraints(70, 70))
    style = stamp.StaticStampStyle(background=white, background_opacity=1.0, border_width=0)
    return signed(writer, workshop, "later", style=style)


class StampedElsewhere:
    """V12: an authority that stamps something else, or at another time."""

    def __init__(self, workshop: Workshop, *, at: datetime = NOW, digest: bytes | None = None) -> None:
        self._workshop, self._at, self._digest = workshop, at, digest
        self.token_room_bytes = workshop.tsa.token_room_bytes

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """A token over its own digest, or at its own time."""
        del at
        return self._workshop.tsa.stamp(self._digest or digest_sha256, self._at)


def certified(workshop: Workshop, *, box: tuple[int, int, int, int]) -> bytes:
    """A page with an empty field of this name, certified so that it may be signed (P = 2)."""
    writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf()))
    fields.append_signature_field(writer, fields.SigFieldSpec("later", box=box))
    return signed(
        IncrementalPdfFileWriter(BytesIO(written(writer))), workshop, FIELD, certify=MDPPerm.FILL_FORMS
    )


def signed(
    writer: IncrementalPdfFileWriter,
    workshop: Workshop,
    name: str,
    *,
    certify: MDPPerm | None = None,
    style: stamp.BaseStampStyle | None = None,
    key: FileSealingKey | None = None,
) -> bytes:
    """Signed by pyHanko's own signer, together with what the writer holds already."""
    key = key_of(workshop) if key is None else key
    plain = key.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(key.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(plain),
        cert_registry=SimpleCertificateStore(),
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=name,
        subfilter=fields.SigSeedSubFilter.PADES,
        md_algorithm="sha256",
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
    )
    out = signers.PdfSigner(metadata, signer=signer, stamp_style=style).sign_pdf(writer)
    content: bytes = out.getvalue()
    return content


def written(writer: IncrementalPdfFileWriter) -> bytes:
    """What an incremental writer holds, as a file."""
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
