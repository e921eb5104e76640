"""pyHanko's word on a seal for the long term, by what is in the file and today's lists alone."""

import asyncio
from collections.abc import Sequence
from io import BytesIO

from asn1crypto import crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESSubIndic
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer


def lta_opinion(content: bytes, root: bytes, lists: Sequence[bytes]) -> tuple[AdESSubIndic, object]:
    """The sub-indication for the one seal of a file, and what pyHanko says was changed behind it.

    Every certificate has to be known as not revoked; nothing is fetched. `lists`: today's CRLs, for what the
    newest time-stamp of the file needs.
    """
    required = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build([x509.Certificate.load(root)]),
        revinfo_policy=CertRevTrustPolicy(
            RevocationCheckingPolicy(ee_certificate_rule=required, intermediate_ca_cert_rule=required)
        ),
    )
    spec = SignatureValidationSpec(
        cert_validation_policy=policy,
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
            certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
        ),
        local_knowledge=LocalKnowledge(
            known_crls=[CRLContainer(crl.CertificateList.load(each)) for each in lists]
        ),
    )
    (seal,) = PdfFileReader(BytesIO(content), strict=False).embedded_regular_signatures
    result = asyncio.run(ades_lta_validation(seal, PdfSignatureValidationSpec(spec)))
    changed = seal.diff_result
    level = getattr(changed, "modification_level", ModificationLevel.NONE)
    return result.ades_subindic, level
