"""National electronic seals: made and read to the byte. Whether they hold is for a judge to say."""

from signing.ses.checks import require_in_force, require_listed
from signing.ses.gbt35275 import ReadSignedData, read_gbt35275, sign_gbt35275
from signing.ses.seal_reading import read_seal
from signing.ses.signature_reading import read_ses
from signing.ses.structure import (
    CertificateDigest,
    Extension,
    Picture,
    ReadSeal,
    ReadSesSignature,
    SealInfo,
)
from signing.ses.vouching import check_seal, require_made_by_its_maker, require_trusted
from signing.ses.writing import make_seal, sign_ses

__all__ = [
    "CertificateDigest",
    "Extension",
    "Picture",
    "ReadSeal",
    "ReadSesSignature",
    "ReadSignedData",
    "SealInfo",
    "check_seal",
    "make_seal",
    "read_gbt35275",
    "read_seal",
    "read_ses",
    "require_in_force",
    "require_listed",
    "require_made_by_its_maker",
    "require_trusted",
    "sign_gbt35275",
    "sign_ses",
]
