"""Collects the named checks of one seal and what they add up to (ETSI EN 319 102-1, clause 5.1.3)."""

from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

from vault.errors import SignatureError
from vault.model.verdict import Check, CheckResult, Indication


class SubIndication(StrEnum):
    """Sub-indications that these checks can give (EN 319 102-1, tables 2 and 3)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    UNREADABLE = "UNREADABLE"  # ours: reading broke off; reported as INDETERMINATE with FORMAT_FAILURE
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    REVOKED = "REVOKED"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    TRY_LATER = "TRY_LATER"


# What breaks a seal for good (EN 319 102-1, table 2)
FATAL = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
        SubIndication.REVOKED,
    }
)


@dataclass(slots=True)
class Findings:
    """What has been found so far about one seal."""

    checks: list[Check] = field(default_factory=list)
    failures: list[SubIndication] = field(default_factory=list)

    def passed(self, name: str, detail: str) -> None:
        """A check that holds."""
        self.checks.append(Check(name, CheckResult.PASSED, detail))

    def unknown(self, name: str, detail: str) -> None:
        """A check that says nothing, and takes nothing away from the seal."""
        self.checks.append(Check(name, CheckResult.UNKNOWN, detail))

    def failed(self, name: str, error: SignatureError) -> None:
        """A check that does not hold; the error's reason is the sub-indication."""
        self.checks.append(Check(name, CheckResult.FAILED, error.detail))
        self.failures.append(SubIndication(error.reason))

    def undecided(self, name: str, detail: str, reason: SubIndication) -> None:
        """A check that cannot be decided here, so that the seal cannot pass as a whole."""
        self.unknown(name, detail)
        self.failures.append(reason)

    def adopt(self, others: "Findings") -> None:
        """Take over what was found about the file as a whole: it holds for each of its seals."""
        self.checks += others.checks
        self.failures += others.failures

    def overrule(self, name: str, detail: str, reason: SubIndication) -> None:
        """For this seal the file's check of this name is undecided, if it held for the file."""
        for place, check in enumerate(self.checks):
            if check.name == name and check.result is CheckResult.PASSED:
                self.checks[place] = Check(name, CheckResult.UNKNOWN, detail)
                self.failures.append(reason)

    def step(self, name: str) -> "Step":
        """Run one check: what it raises becomes its finding, and the next check has its turn."""
        return Step(self, name)

    def not_reached(self, names: tuple[str, ...]) -> None:
        """Name the checks that could not be made because of what failed before them."""
        for name in names:
            if all(check.name != name for check in self.checks):
                self.unknown(name, "Not checked, because of what failed before.")

    def indication(self) -> tuple[Indication, str | None]:
        """Main and sub-indication: what breaks a seal for good outranks what leaves it undecided.

        Bytes that could not be read at all are no proof of tampering: INDETERMINATE with FORMAT_FAILURE.
        """
        for reason in self.failures:
            if reason in FATAL:
                return Indication.TOTAL_FAILED, reason.value
        if self.failures:
            first = self.failures[0]
            named = SubIndication.FORMAT_FAILURE if first is SubIndication.UNREADABLE else first
            return Indication.INDETERMINATE, named.value
        return Indication.TOTAL_PASSED, None


@dataclass(frozen=True, slots=True)
class Step:
    """One check at work: the boundary where hostile bytes raise anything, and a judge reports."""

    findings: Findings
    name: str

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, SignatureError):
            self.findings.failed(self.name, error)
        elif isinstance(error, Exception):
            what = "This part of the seal cannot be read."
            self.findings.undecided(self.name, what, SubIndication.UNREADABLE)
        else:
            return False
        return True


def failure(reason: SubIndication, detail: str) -> SignatureError:
    """The error that a check raises: its reason is a sub-indication."""
    return SignatureError(detail, reason=reason.value)
