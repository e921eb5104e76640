"""An OFD before the vault's own reader, by the rules for what the vault seals."""

from dataclasses import replace
from datetime import datetime

from vault.model.verdict import SealReport
from vault.workshop import Workshop


def judged_ofd(workshop: Workshop, content: bytes, *, at: datetime) -> tuple[SealReport, ...]:
    """A report on each signature, in the order of signing; before sealing and behind it by one measure."""
    from signing.ofd_judge import judge_ofd  # noqa: PLC0415 - most cases ask for no OFD

    trust = replace(workshop.trust, national_crls=workshop.national.crls)
    return judge_ofd(content, trust=trust, at=at, ours=True)
