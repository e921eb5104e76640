"""Whether a seal's maker made it, and whether it may be used now: asked when a seal is taken in or looked at.

What a seal has sealed is for `signing.ofd_judge` to judge.
"""

from collections.abc import Callable
from datetime import datetime

from signing import sm2
from signing.national.certificates import NationalCertificate, read_certificate
from signing.national.path import check_national_path
from signing.national.trust import NationalTrust
from signing.ses.checks import require_in_force
from signing.ses.structure import SM2_SM3, V4, ReadSeal
from vault.errors import SignatureError
from vault.model.verdict import Check, CheckResult


def require_made_by_its_maker(seal: ReadSeal) -> NationalCertificate:
    """The certificate of the seal maker (制章人), whose key signed this seal.

    Raises:
        SignatureError: it did not, with another algorithm (`ses-algorithm`), or the certificate is none of
            SM2.
    """
    if seal.maker_algorithm != SM2_SM3:
        raise SignatureError(
            f"The seal's maker signed with {seal.maker_algorithm}: expected SM2 with SM3 ({SM2_SM3}).",
            reason="ses-algorithm",
        )
    maker = read_certificate(seal.maker_certificate)
    sm2.verify(maker.public_key, seal.signed, seal.maker_signature)
    return maker


def require_trusted(certificate: bytes, trust: NationalTrust, chain: tuple[bytes, ...], at: datetime) -> None:
    """Returns where a signer's or maker's certificate leads to a root that is trusted, and is in force.

    Raises:
        SignatureError: it does not; the sentence says which link.
    """
    check_national_path(read_certificate(certificate), (*chain, *trust.between), trust, at=at)


def check_seal(seal: ReadSeal, trust: NationalTrust, *, at: datetime) -> tuple[Check, ...]:
    """What can be said of a seal alone, by name.

    `seal_version`, `maker_signature`, `maker_certificate` and `seal_validity`, always in this order.
    `trust`: without roots the maker's certificate is `unknown`.
    """
    made_at = f"{at:%Y-%m-%dT%H:%M:%SZ}"

    def chained() -> None:
        require_trusted(seal.maker_certificate, trust, (), at)

    chain = Check("maker_certificate", CheckResult.UNKNOWN, "No national roots are given to compare with.")
    if trust.roots:
        chain = _checked("maker_certificate", "The maker's certificate leads to a trusted root.", chained)
    return (
        _version(seal),
        _checked(
            "maker_signature", "The seal is as its maker signed it.", lambda: require_made_by_its_maker(seal)
        ),
        chain,
        _checked("seal_validity", f"The seal is valid at {made_at}.", lambda: require_in_force(seal, at)),
    )


def _version(seal: ReadSeal) -> Check:
    if seal.version == V4:
        return Check("seal_version", CheckResult.PASSED, "Version 4 (GB/T 38540-2020).")
    detail = f"Version {seal.version}: it is read, and nothing is sealed with it here."
    return Check("seal_version", CheckResult.UNKNOWN, detail)


def _checked(name: str, holds: str, look: Callable[[], object]) -> Check:
    try:
        look()
    except SignatureError as error:
        return Check(name, CheckResult.FAILED, error.detail)
    return Check(name, CheckResult.PASSED, holds)
