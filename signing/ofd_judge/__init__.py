"""OFD files (GB/T 33190) judged and admitted, with code that no writer shares: rules O1 to O7."""

from signing.ofd_judge.claims import read_ofd_claims
from signing.ofd_judge.gate import AdmittedOfd, admit_ofd, check_ofd
from signing.ofd_judge.judging import CHECK_NAMES, OF_SEALS, judge_ofd

__all__ = ["CHECK_NAMES", "OF_SEALS", "AdmittedOfd", "admit_ofd", "check_ofd", "judge_ofd", "read_ofd_claims"]
