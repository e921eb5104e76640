"""The shapes of answers, for the description at `/openapi.json`; the flows write the answers themselves."""

from api.answers.access import TokenErrorOut, TokenOut
from api.answers.catalogue import (
    AuthorityOut,
    HolderRuleOut,
    MaterialTypeOut,
    MaterialTypesOut,
    RequirementOut,
    ServiceItemOut,
    ServiceItemsOut,
    TypeOut,
    TypesOut,
    ValidityOut,
    WayOut,
)
from api.answers.certificates import (
    CertificateOut,
    CertificatesOut,
    HistoryOut,
    HolderOut,
    RecordedOut,
    StatusEventOut,
    VersionLinkOut,
)
from api.answers.deposits import DepositOut, DocumentOut, LogOut, MayCloseOut, ReceiptOut, UploadOut
from api.answers.operations import ReadyOut, VersionOut
from api.answers.problem import FieldProblemOut, ProblemOut, problems
from api.answers.reuse import (
    EvidenceOut,
    HoldingsOut,
    LineOut,
    MaterialOut,
    ObstacleOut,
    ProofOut,
    ReuseCheckOut,
    VerificationOut,
)
from api.answers.verification import CheckOut, ReportOut, SealOut

__all__ = [
    "AuthorityOut",
    "CertificateOut",
    "CertificatesOut",
    "CheckOut",
    "DepositOut",
    "DocumentOut",
    "EvidenceOut",
    "FieldProblemOut",
    "HistoryOut",
    "HolderOut",
    "HolderRuleOut",
    "HoldingsOut",
    "LineOut",
    "LogOut",
    "MaterialOut",
    "MaterialTypeOut",
    "MaterialTypesOut",
    "MayCloseOut",
    "ObstacleOut",
    "ProblemOut",
    "ProofOut",
    "ReadyOut",
    "ReceiptOut",
    "RecordedOut",
    "ReportOut",
    "RequirementOut",
    "ReuseCheckOut",
    "SealOut",
    "ServiceItemOut",
    "ServiceItemsOut",
    "StatusEventOut",
    "TokenErrorOut",
    "TokenOut",
    "TypeOut",
    "TypesOut",
    "UploadOut",
    "ValidityOut",
    "VerificationOut",
    "VersionLinkOut",
    "VersionOut",
    "WayOut",
    "problems",
]
