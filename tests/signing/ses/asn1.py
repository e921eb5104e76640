"""The structures of the seal standards once more, by asn1crypto, and nothing of `signing`.

What ours is compared with, and what V1 and V5 samples are made of, since no real file is here.
"""

from typing import Any

from asn1crypto import cms, core

SM2_SM3 = "1.2.156.10197.1.501"
_OPTIONAL = {"optional": True}
_TAGGED = {"explicit": 0, "optional": True}


def _sequence(name: str, *fields: tuple[Any, ...]) -> Any:  # noqa: ANN401 - asn1crypto has no types
    return type(name, (core.Sequence,), {"_fields": list(fields)})


def _many(name: str, of: Any, kind: Any = core.SequenceOf) -> Any:  # noqa: ANN401 - as above
    return type(name, (kind,), {"_child_spec": of})


Header = _sequence("Header", ("id", core.IA5String), ("version", core.Integer), ("vid", core.IA5String))
Certificates = _many("Certificates", core.OctetString)
Digests = _many("Digests", _sequence("Digest", ("type", core.PrintableString), ("value", core.OctetString)))
_VALIDITY = ("create_date", "valid_start", "valid_end")
Property = _sequence(
    "Property",
    ("type", core.Integer),
    ("name", core.UTF8String),
    ("cert_list_type", core.Integer),
    ("cert_list", core.Any),
    *((name, core.GeneralizedTime) for name in _VALIDITY),
)
PropertyV1 = _sequence(
    "PropertyV1",
    ("type", core.Integer),
    ("name", core.UTF8String),
    ("cert_list", Certificates),
    *((name, core.UTCTime) for name in _VALIDITY),
)
Picture = _sequence(
    "Picture",
    ("type", core.IA5String),
    ("data", core.OctetString),
    ("width", core.Integer),
    ("height", core.Integer),
)
# `critical` without its default: real seals write FALSE.
ExtData = _sequence(
    "ExtData",
    ("extn_id", core.ObjectIdentifier),
    ("critical", core.Boolean, _OPTIONAL),
    ("extn_value", core.OctetString),
)
ExtDatas = _many("ExtDatas", ExtData)


def _info(name: str, property_: Any, tag: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    return _sequence(
        name,
        ("header", Header),
        ("es_id", core.IA5String),
        ("property", property_),
        ("picture", Picture),
        ("ext_datas", ExtDatas, tag),
    )


SealInfo = _info("SealInfo", Property, _OPTIONAL)
SealInfoTagged = _info("SealInfoTagged", Property, _TAGGED)
SealInfoV1 = _info("SealInfoV1", PropertyV1, _TAGGED)
_NAMED = (("cert", core.OctetString), ("algorithm", core.ObjectIdentifier))
_SIGNATURE = ("signature", core.OctetBitString)
_STAMPED = ("time_stamp", core.OctetBitString, _TAGGED)
# Of V4; with the time-stamp also of V5.
Seal = _sequence("Seal", ("info", core.Any), *_NAMED, _SIGNATURE, _STAMPED)
SignedByMakerV1 = _sequence("SignedByMakerV1", ("info", SealInfoV1), *_NAMED)
SealV1 = _sequence("SealV1", ("info", core.Any), ("sign_info", _sequence("SignInfoV1", *_NAMED, _SIGNATURE)))
_SIGNED = (("data_hash", core.OctetBitString), ("property_info", core.IA5String))
Tbs = _sequence(
    "Tbs",
    ("version", core.Integer),
    ("seal", core.Any),
    ("time_info", core.GeneralizedTime),
    *_SIGNED,
    ("ext_datas", ExtDatas, _TAGGED),
)
Signature = _sequence("Signature", ("tbs", core.Any), *_NAMED, _SIGNATURE, _STAMPED)
TbsV1 = _sequence(
    "TbsV1",
    ("version", core.Integer),
    ("seal", core.Any),
    ("time_info", core.OctetBitString),
    *_SIGNED,
    *_NAMED,
)
SignatureV1 = _sequence("SignatureV1", ("tbs", core.Any), _SIGNATURE)

# GB/T 35275
Algorithm = _sequence("Algorithm", ("algorithm", core.ObjectIdentifier))
Signer = _sequence(
    "Signer",
    ("version", core.Integer),
    ("sid", _sequence("IssuerAndSerial", ("issuer", core.Any), ("serial", core.Integer))),
    ("digest_algorithm", Algorithm),
    ("attributes", cms.CMSAttributes, {"implicit": 0, "optional": True}),
    ("signature_algorithm", Algorithm),
    ("signature", core.OctetString),
)
SignedData = _sequence(
    "SignedData",
    ("version", core.Integer),
    ("digest_algorithms", _many("Algorithms", Algorithm, core.SetOf)),
    (
        "content",
        _sequence("Content", ("type", core.ObjectIdentifier), ("content", core.OctetString, _TAGGED)),
    ),
    ("certificates", _many("AnySet", core.Any, core.SetOf), {"implicit": 0, "optional": True}),
    ("signers", _many("Signers", Signer, core.SetOf)),
)
ContentInfo = _sequence(
    "ContentInfo", ("type", core.ObjectIdentifier), ("content", SignedData, {"explicit": 0})
)
