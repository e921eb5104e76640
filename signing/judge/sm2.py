"""Certificates and CRLs that SM2 signed: `cryptography` reads them, but neither their keys nor signatures.

What it reads strictly is taken from it; the public key is cut out of the certificate as it came.
"""

from asn1crypto import core
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from signing.judge.findings import SubIndication, failure
from signing.sm2.message import verify
from vault.errors import SignatureError

SM2_WITH_SM3 = ObjectIdentifier("1.2.156.10197.1.501")  # GB/T 33560
# SM2 with SM3, and SM2 as GB/T 35275 names it in a SignedData
_SM2_IN_CMS = frozenset({SM2_WITH_SM3.dotted_string, "1.2.156.10197.1.301.1"})
EC_PUBLIC_KEY = ObjectIdentifier("1.2.840.10045.2.1")  # RFC 5480, clause 2.1.1
SM2_CURVE = "1.2.156.10197.1.301"  # GB/T 33560


def sm2_public_key(certificate: x509.Certificate) -> bytes:
    """The certificate's SM2 key: 65 octets, 04‖x‖y; whether they are a point, `verify` says.

    Raises:
        SignatureError: it is a key of another kind (CRYPTO_CONSTRAINTS_FAILURE) or cannot be read
            (FORMAT_FAILURE).
    """
    if certificate.public_key_algorithm_oid != EC_PUBLIC_KEY:
        raise _another_key()
    try:
        held = asn1_x509.TbsCertificate.load(certificate.tbs_certificate_bytes, strict=True)
        info = held["subject_public_key_info"]
        curve = info["algorithm"]["parameters"].chosen
        unused_bits, point = info["public_key"].contents[:1], info["public_key"].contents[1:]
    except (ValueError, TypeError, KeyError) as error:
        raise failure(SubIndication.FORMAT_FAILURE, "A certificate's key cannot be read.") from error
    if not isinstance(curve, core.ObjectIdentifier) or curve.dotted != SM2_CURVE or unused_bits != b"\x00":
        raise _another_key()
    return bytes(point)


def check_signed_by(
    issuer: x509.Certificate, signed: x509.Certificate | x509.CertificateRevocationList
) -> None:
    """Returns where the issuer's SM2 key signed this certificate or CRL.

    Raises:
        SignatureError: it did not (SIG_CRYPTO_FAILURE), or the key or algorithm is another
            (CRYPTO_CONSTRAINTS_FAILURE).
    """
    encoded = signed.public_bytes(Encoding.DER)
    if isinstance(signed, x509.Certificate):
        inside, to_be_signed = asn1_x509.TbsCertificate, signed.tbs_certificate_bytes
        value = asn1_x509.Certificate.load(encoded)["signature_value"]
    else:
        inside, to_be_signed = asn1_crl.TbsCertList, signed.tbs_certlist_bytes
        value = asn1_crl.CertificateList.load(encoded)["signature"]
    if value.contents[:1] != b"\x00":  # a signature is whole octets: no bit of the last one is left out
        raise failure(SubIndication.SIG_CRYPTO_FAILURE, "The signature's value ends within an octet.")
    # RFC 5280, clause 4.1.1.2: the algorithm stands inside what is signed as well, and must be the same
    if signed.signature_algorithm_oid != SM2_WITH_SM3 or (
        inside.load(to_be_signed)["signature"]["algorithm"].dotted != SM2_WITH_SM3.dotted_string
    ):
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "A certificate or CRL is not signed by SM2 with SM3."
        )
    verify(sm2_public_key(issuer), to_be_signed, signed.signature)


def verify_sm2(certificate: x509.Certificate, algorithm: str, signed: bytes, signature: bytes) -> str:
    """Verify a signature in a CMS whose digest is SM3; the algorithm in words.

    `algorithm`: how the CMS names it: SM2 goes with SM3 and nothing else does.

    Raises:
        SignatureError: it does not verify (SIG_CRYPTO_FAILURE), or the algorithm or key is another
            (CRYPTO_CONSTRAINTS_FAILURE).
    """
    if algorithm not in _SM2_IN_CMS:
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signature's algorithm is not accepted.")
    verify(sm2_public_key(certificate), signed, signature)
    return "SM2 with SM3"


def _another_key() -> SignatureError:
    return failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "A certificate's key is none of SM2's curve.")
