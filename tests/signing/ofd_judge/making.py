"""An OFD maker of the tests' own: strings, `zipfile`, and DER by hand. Each part can be made wrong."""

import base64
import hashlib
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

from tests.signing.ofd_judge.people import Person, people

people()  # openssl dates certificates from the moment at which it makes them
NOW = datetime.now(UTC).replace(microsecond=0)
SM3 = "1.2.156.10197.1.401"
SM2_SM3 = bytes.fromhex("06082a811ccf55018375")
IDENTIFIER = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
SIGNATURES = "Doc_0/Signs/Signatures.xml"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NS = 'xmlns:ofd="http://www.ofdspec.org/2016"'

Files = dict[str, bytes]


def plain() -> Files:
    """The files of an unsealed document with one of everything that a reader can come to."""
    files: dict[str, str | bytes] = {
        "OFD.xml": f"""<ofd:OFD {_NS} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo>
            <ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID><ofd:CustomDatas>
            <ofd:CustomData Name="ZZBS">{IDENTIFIER}</ofd:CustomData></ofd:CustomDatas></ofd:DocInfo>
            <ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>
            <ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody></ofd:OFD>""",
        "Doc_0/Document.xml": f"""<ofd:Document {_NS}><ofd:CommonData><ofd:MaxUnitID>99</ofd:MaxUnitID>
            <ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>
            <ofd:PublicRes>PublicRes.xml</ofd:PublicRes><ofd:DocumentRes>/Doc_0/DocumentRes.xml</ofd:DocumentRes>
            <ofd:TemplatePage ID="90" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:CommonData>
            <ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages>
            <ofd:Annotations>Annots/Annotations.xml</ofd:Annotations>
            <ofd:CustomTags>CustomTags/CustomTags.xml</ofd:CustomTags>
            <ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>
            <ofd:Extensions>Extensions.xml</ofd:Extensions></ofd:Document>""",
        "Doc_0/PublicRes.xml": f"""<ofd:Res {_NS} BaseLoc="Res"><ofd:Fonts>
            <ofd:Font ID="3" FontName="Song"><ofd:FontFile>font_3.ttf</ofd:FontFile></ofd:Font>
            </ofd:Fonts></ofd:Res>""",
        "Doc_0/DocumentRes.xml": f"""<ofd:Res {_NS} BaseLoc="Res"><ofd:MultiMedias>
            <ofd:MultiMedia ID="4" Type="Image" Format="PNG"><ofd:MediaFile>image_4.png</ofd:MediaFile>
            </ofd:MultiMedia></ofd:MultiMedias></ofd:Res>""",
        "Doc_0/Res/font_3.ttf": b"\x00\x01\x00\x00 a font",
        "Doc_0/Res/image_4.png": b"\x89PNG\r\n\x1a\n a picture",
        "Doc_0/Tpls/Tpl_0/Content.xml": page("样例"),
        "Doc_0/Pages/Page_0/Content.xml": page("样例市行政审批局", template=90),
        "Doc_0/Annots/Annotations.xml": f"""<ofd:Annotations {_NS}><ofd:Page PageID="1">
            <ofd:FileLoc>Page_0/Annotation.xml</ofd:FileLoc></ofd:Page></ofd:Annotations>""",
        "Doc_0/Annots/Page_0/Annotation.xml": f"""<ofd:PageAnnot {_NS}><ofd:Annot ID="7" Type="Watermark"
            Creator="x" LastModDate="2026-01-05"><ofd:Appearance Boundary="0 0 9 9"/></ofd:Annot>
            </ofd:PageAnnot>""",
        "Doc_0/CustomTags/CustomTags.xml": f"""<ofd:CustomTags {_NS}><ofd:CustomTag TypeID="1">
            <ofd:FileLoc>Tag.xml</ofd:FileLoc></ofd:CustomTag></ofd:CustomTags>""",
        "Doc_0/CustomTags/Tag.xml": '<index xmlns="http://example.cn/index"><a>1</a></index>',
        "Doc_0/Attachs/Attachments.xml": f"""<ofd:Attachments {_NS}><ofd:Attachment ID="8" Name="face">
            <ofd:FileLoc>face.json</ofd:FileLoc></ofd:Attachment></ofd:Attachments>""",
        "Doc_0/Attachs/face.json": b'{"name": "x"}',
        "Doc_0/Extensions.xml": f"""<ofd:Extensions {_NS}><ofd:Extension AppName="x" RefId="1">
            <ofd:ExtendData>Ext.dat</ofd:ExtendData></ofd:Extension></ofd:Extensions>""",
        "Doc_0/Ext.dat": b"extension",
    }
    return {name: body if isinstance(body, bytes) else (_XML + body).encode() for name, body in files.items()}


def page(text: str, *, template: int | None = None) -> bytes:
    """A page's content."""
    used = "" if template is None else f'<ofd:Template TemplateID="{template}"/>'
    return f"""{_XML}<ofd:Page {_NS}>{used}<ofd:Content><ofd:Layer ID="10">
        <ofd:TextObject ID="11" Boundary="10 10 90 9" Font="3" Size="5">
        <ofd:TextCode X="0" Y="5">{text}</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content>
        </ofd:Page>""".encode()


# ---- DER by hand ------------------------------------------------------------------------------------------


def tlv(tag: int, *content: bytes) -> bytes:
    """One value."""
    body = b"".join(content)
    length = bytes([len(body)]) if len(body) < 0x80 else _long(len(body))
    return bytes([tag]) + length + body


def _long(length: int) -> bytes:
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def _seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def _int(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _time(moment: datetime) -> bytes:
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _utc_time(moment: datetime) -> bytes:
    return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def _bits(content: bytes) -> bytes:
    return tlv(0x03, b"\x00", content)


def _extension(*, critical: bool) -> bytes:
    flag = tlv(0x01, b"\xff" if critical else b"\x00")
    return _seq(_seq(bytes.fromhex("06092a811ccf5506070202"), flag, tlv(0x04, b"x")))


def sm3(content: bytes) -> bytes:
    """The digest."""
    return hashlib.new("sm3", content).digest()


# ---- seals ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seal:
    """How a seal is made."""

    maker: Person = field(default_factory=lambda: people().maker)
    signers: tuple[Person, ...] = field(default_factory=lambda: (people().signer,))
    picture: bytes = b"\x89PNG\r\n\x1a\n a seal"
    number: str = "11010000000001"
    made_at: datetime = NOW
    since: datetime = NOW - timedelta(days=9)
    until: datetime = NOW + timedelta(days=300)
    extension: bool | None = None  # one, critical or not; FALSE is written out, as real seals do

    def info(self, version: int = 4) -> bytes:
        """SES_SealInfo."""
        certificates = _seq(*(tlv(0x04, signer.certificate) for signer in self.signers))
        time = _time if version == 4 else _utc_time
        listed = (_int(1), certificates) if version == 4 else (certificates,)
        return _seq(
            _seq(tlv(0x16, b"ES"), _int(version), tlv(0x16, b"TEST")),
            tlv(0x16, self.number.encode()),
            _seq(
                _int(1),
                tlv(0x0C, "样例章".encode()),
                *listed,
                time(self.made_at),
                time(self.since),
                time(self.until),
            ),
            _seq(tlv(0x16, b"PNG"), tlv(0x04, self.picture), _int(42), _int(42)),
            *(() if self.extension is None else (_extension(critical=self.extension),)),
        )

    def encoded(self, version: int = 4) -> bytes:
        """SESeal, signed by its maker."""
        info = self.info(version)
        certificate = tlv(0x04, self.maker.certificate)
        if version == 4:
            return _seq(info, certificate, SM2_SM3, _bits(self.maker.sign(info)))
        signed = _seq(info, certificate, SM2_SM3)
        return _seq(info, _seq(certificate, SM2_SM3, _bits(self.maker.sign(signed))))


@dataclass(frozen=True)
class Sealing:
    """How a signature is made, right unless told otherwise. `leaves`: files that it does not cover."""

    signer: Person = field(default_factory=lambda: people().signer)
    seal: bytes | None = None
    at: datetime = NOW
    version: int = 4
    leaves: Collection[str] = (SIGNATURES,)
    check_method: str | None = SM3
    digest: Callable[[bytes], bytes] = sm3
    data_hash: Callable[[bytes], bytes] = sm3
    property_info: str | None = None
    behind: bytes = b""
    esl: bytes | None = None
    kind: str = "Seal"
    with_esl: bool = True
    stamp: Callable[[bytes], bytes] | None = None

    def ses(self, seal: bytes, signature_xml: bytes, path: str) -> bytes:
        """SES_Signature over a Signature.xml."""
        hashed = _bits(self.data_hash(signature_xml))
        where = tlv(0x16, (self.property_info or path).encode())
        certificate = tlv(0x04, self.signer.certificate)
        if self.version == 1:
            tbs = _seq(
                *(_int(1), seal, _bits(_utc_time(self.at)), hashed, where),
                *(certificate, SM2_SM3),
            )
            return _seq(tbs, _bits(self.signer.sign(tbs))) + self.behind
        tbs = _seq(_int(4), seal, _time(self.at), hashed, where)
        signature = self.signer.sign(tbs)
        token = () if self.stamp is None else (tlv(0xA0, _bits(self.stamp(signature))),)
        return _seq(tbs, certificate, SM2_SM3, _bits(signature), *token) + self.behind

    def gbt35275(self, signature_xml: bytes) -> bytes:
        """SignedData over the digest of a Signature.xml."""
        digest = self.data_hash(signature_xml)
        sm3_algorithm = _seq(bytes.fromhex("06082a811ccf55018311"))
        sm2_algorithm = _seq(bytes.fromhex("06092a811ccf5501822d01"))
        content = _seq(bytes.fromhex("060a2a811ccf550601040201"), tlv(0xA0, tlv(0x04, digest)))
        signer = _seq(
            _int(1),
            _issuer_and_serial(self.signer.certificate),
            sm3_algorithm,
            sm2_algorithm,
            tlv(0x04, self.signer.sign(digest)),
        )
        signed_data = _seq(
            _int(1), tlv(0x31, sm3_algorithm), content, tlv(0xA0, self.signer.certificate), tlv(0x31, signer)
        )
        return _seq(bytes.fromhex("060a2a811ccf550601040202"), tlv(0xA0, signed_data)) + self.behind


def _issuer_and_serial(certificate: bytes) -> bytes:
    from asn1crypto import x509  # noqa: PLC0415 - of the test's independent parts only this one needs it

    tbs = x509.Certificate.load(certificate)["tbs_certificate"]
    return _seq(tbs["issuer"].dump(), tbs["serial_number"].dump())


def sealed(files: Mapping[str, bytes], how: Sealing | None = None, *, number: int | None = None) -> Files:
    """The files with one more signature, `Sign_n`, s00n."""
    how = how or Sealing()
    n = number if number is not None else sum(name.endswith("/Signature.xml") for name in files)
    folder = f"Doc_0/Signs/Sign_{n}"
    now = dict(files)
    declared = now.get(SIGNATURES, f"{_XML}<ofd:Signatures {_NS}></ofd:Signatures>".encode())
    line = f'<ofd:Signature ID="s00{n + 1}" Type="{how.kind}" BaseLoc="/{folder}/Signature.xml"/>'
    now[SIGNATURES] = declared.replace(b"</ofd:Signatures>", line.encode() + b"</ofd:Signatures>")
    seal = how.seal if how.seal is not None else _usual_seal(how.version)
    has_seal = how.kind == "Seal" and how.with_esl
    if has_seal:
        now[f"{folder}/Seal.esl"] = how.esl if how.esl is not None else seal
    references = "".join(
        f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>{base64.b64encode(how.digest(body)).decode()}'
        "</ofd:CheckValue></ofd:Reference>"
        for name, body in now.items()
        if name not in how.leaves
    )
    method = "" if how.check_method is None else f' CheckMethod="{how.check_method}"'
    esl = f"<ofd:Seal><ofd:BaseLoc>/{folder}/Seal.esl</ofd:BaseLoc></ofd:Seal>" if has_seal else ""
    xml = f"""{_XML}<ofd:Signature {_NS}><ofd:SignedInfo><ofd:Provider ProviderName="test"/>
        <ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod>
        <ofd:SignatureDateTime>{how.at:%Y%m%d%H%M%SZ}</ofd:SignatureDateTime>
        <ofd:References{method}>{references}</ofd:References>
        <ofd:StampAnnot ID="sa00{n + 1}" PageRef="1" Boundary="150 200 42 42"/>{esl}</ofd:SignedInfo>
        <ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>""".encode()
    path = f"{folder}/Signature.xml"
    now[path] = xml
    value = how.ses(seal, xml, f"/{path}") if how.kind == "Seal" else how.gbt35275(xml)
    now[f"{folder}/SignedValue.dat"] = value
    return now


_SEALS: dict[int, bytes] = {}


def _usual_seal(version: int) -> bytes:
    if version not in _SEALS:
        _SEALS[version] = Seal().encoded(version)
    return _SEALS[version]


def usual_seal() -> bytes:
    """The seal that is used where none is named, V4."""
    return _usual_seal(4)


def closing(**changes: object) -> Sealing:
    """The platform's signature that covers everything, Signatures.xml, too."""
    return replace(Sealing(signer=people().platform, kind="Sign", leaves=()), **changes)  # type: ignore[arg-type]  # whatever a test makes wrong


def packed(files: Mapping[str, bytes]) -> bytes:
    """The package."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 8, 0, 0)), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def ours() -> Files:
    """As the vault makes them: sealed, then closed."""
    return sealed(sealed(plain()), closing())
