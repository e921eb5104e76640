"""Seals and signatures of each version by the test's own encoder, signed by `openssl`."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import core

from signing.ses import Picture, SealInfo
from tests.signing.ses import asn1
from tests.signing.ses.openssl import OpensslKey

AT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
FROM, UNTIL = AT - timedelta(days=1), AT + timedelta(days=1000)
DIGEST = hashlib.new("sm3", b"<ofd:Signature/>").digest()
PATH = "/Doc_0/Signs/Sign_0/Signature.xml"
NAME = "样例市卫生健康委员会"
NUMBER = "99010000000001"
PICTURE = Picture("png", b"\x89PNG\r\n\x1a\n and so on", 42, 42)
# A vendor's extension of real tax seals.
EXTENSION: dict[str, Any] = {"extn_id": "1.2.156.10197.6.7.2.2.1", "critical": False, "extn_value": b"vendor"}


def info_of(signer: OpensslKey, **other: object) -> SealInfo:
    """What a seal for this signer is to say; `other`: fields that are otherwise."""
    said: dict[str, Any] = {
        "es_id": NUMBER,
        "name": NAME,
        "certificates": (signer.certificate,),
        "created_at": AT,
        "valid_from": FROM,
        "valid_to": UNTIL,
        "picture": PICTURE,
    }
    return SealInfo(**{**said, **other})


def picture(**other: object) -> dict[str, Any]:
    """SES_ESPictrueInfo."""
    return {"type": "png", "data": PICTURE.content, "width": 42, "height": 42, **other}


def property_of(signer: OpensslKey, **other: object) -> dict[str, Any]:
    """SES_ESPropertyInfo of V4 and V5."""
    return {
        "type": 1,
        "name": NAME,
        "cert_list_type": 1,
        "cert_list": asn1.Certificates([signer.certificate]),
        "create_date": AT,
        "valid_start": FROM,
        "valid_end": UNTIL,
        **other,
    }


def seal_info(signer: OpensslKey, *, number: int = 4, tagged: bool = False, **other: object) -> bytes:
    """SES_SealInfo of V4 and V5; `other`: its fields, or `ext_datas`."""
    said = {
        "header": {"id": "ES", "version": number, "vid": "SOMEBODY"},
        "es_id": NUMBER,
        "property": property_of(signer),
        "picture": picture(),
        **other,
    }
    made = asn1.SealInfoTagged(said) if tagged else asn1.SealInfo(said)
    encoded: bytes = made.dump()
    return encoded


def sealed(info: bytes, maker: OpensslKey, **other: object) -> bytes:
    """SESeal around an information that the maker signs."""
    said = {
        "info": core.load(info),
        "cert": maker.certificate,
        "algorithm": asn1.SM2_SM3,
        "signature": maker.sign(info),
        **other,
    }
    encoded: bytes = asn1.Seal(said).dump()
    return encoded


def seal_v1(signer: OpensslKey, maker: OpensslKey, *, number: int = 1) -> bytes:
    """SESeal of GM/T 0031-2014."""
    info = asn1.SealInfoV1(
        {
            "header": {"id": "ES", "version": number, "vid": "SOMEBODY"},
            "es_id": NUMBER,
            "property": {
                "type": 1,
                "name": NAME,
                "cert_list": [signer.certificate],
                "create_date": AT,
                "valid_start": FROM,
                "valid_end": UNTIL,
            },
            "picture": picture(type="PNG"),
            "ext_datas": [EXTENSION],
        }
    )
    named = {"cert": maker.certificate, "algorithm": asn1.SM2_SM3}
    signature = maker.sign(asn1.SignedByMakerV1({"info": info, **named}).dump())
    encoded: bytes = asn1.SealV1({"info": info, "sign_info": {**named, "signature": signature}}).dump()
    return encoded


def signed(seal: bytes, signer: OpensslKey, *, number: int = 4, stamp: bytes | None = None) -> bytes:
    """SES_Signature of V4 and V5."""
    tbs = asn1.Tbs(
        {
            "version": number,
            "seal": core.load(seal),
            "time_info": AT,
            "data_hash": DIGEST,
            "property_info": PATH,
            "ext_datas": [EXTENSION],
        }
    ).dump()
    said = {"tbs": core.load(tbs), "cert": signer.certificate, "algorithm": asn1.SM2_SM3}
    stamped = {} if stamp is None else {"time_stamp": stamp}
    encoded: bytes = asn1.Signature({**said, "signature": signer.sign(tbs), **stamped}).dump()
    return encoded


def signed_v1(seal: bytes, signer: OpensslKey, *, time_info: bytes, number: int = 1) -> bytes:
    """SES_Signature of GM/T 0031-2014."""
    tbs = asn1.TbsV1(
        {
            "version": number,
            "seal": core.load(seal),
            "time_info": time_info,
            "data_hash": DIGEST,
            "property_info": PATH,
            "cert": signer.certificate,
            "algorithm": asn1.SM2_SM3,
        }
    ).dump()
    encoded: bytes = asn1.SignatureV1({"tbs": core.load(tbs), "signature": signer.sign(tbs)}).dump()
    return encoded
