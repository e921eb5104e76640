"""Sealing and raising alone: our fast path against stock pyHanko, and what another level costs, one core."""

from datetime import UTC, datetime

from api.bench.figures import Budget, Counted, Quantity, Result, interleaved, over
from api.bench.floor import appearance, bare
from api.bench.references import stock_pyhanko
from api.bench.stage import Stage
from api.wiring import wire
from signing.raising import raise_pdf
from signing.seal import seal_pdf
from signing.validate import judge_pdf
from vault.deposit.sealing import SEAL_FIELD
from vault.errors import Unavailable
from vault.founding import SecretsFolder
from vault.seal_ring import KEY_SUFFIX

# Issue 2, "Done when": at least 20 times stock pyHanko in the same run.
SEALING_BYTES_MOST = 6_000
"""Issue 8: what a seal adds to a PDF, its picture included."""
SEAL_PDF_BUDGET = Budget(Counted.RATIO, 20.0)


def measure_seal_pdf(on: Stage, seconds: float) -> Result:
    """One process and one thread, in turns; neither side asks for a time-stamp."""
    settings = on.vault.settings
    tools = bare(settings)
    look = appearance(tools)
    secrets = SecretsFolder(settings.secrets)

    def ours(pdf: bytes) -> bytes:
        return seal_pdf(
            pdf,
            key=tools.owner.key,
            appearance=look,
            field_name=SEAL_FIELD,
            reason="电子证照签发",
            location=tools.owner.authority_name,
            at=datetime.now(UTC),
            tsa=None,
        ).content

    stock = stock_pyhanko(
        secrets.seals / (tools.owner.seal_id + KEY_SUFFIX),
        secrets.passphrase.read_bytes(),
        (tools.owner.key.certificate, *tools.owner.key.chain),
    )
    run, reference = interleaved(over(ours, tools.page), over(stock, tools.page), seconds)
    added = len(ours(tools.page)) - len(tools.page)
    return Result(
        "seal_pdf",
        f"one seal on a typeset page of {len(tools.page)} bytes, one core",
        run,
        "stock pyHanko SimpleSigner, same page and key",
        reference,
        SEAL_PDF_BUDGET,
        quantities=(Quantity("sealing_bytes", "what a seal adds", added, "bytes", SEALING_BYTES_MOST),),
    )


def measure_raise_seal(on: Stage, seconds: float) -> Result:
    """From B-T to B-LTA and judged, as the worker does it; the authorities are local."""
    settings = on.vault.settings
    workshop = wire(settings).workshop
    tsa, target = workshop.tsa, workshop.long_term.target
    if tsa is None or target is None:
        raise Unavailable("This vault has no time-stamp authority.")
    sealed = on.document(on.seeded[0])

    def judge(pdf: bytes) -> object:
        return judge_pdf(pdf, trust=workshop.trust, at=datetime.now(UTC))

    def ours(pdf: bytes) -> object:
        at = datetime.now(UTC)
        raised = raise_pdf(
            pdf, target=target, roots=workshop.trust_roots, tsa=tsa, sources=workshop.revocation, at=at
        )
        return judge(raised.content)

    run, reference = interleaved(over(ours, sealed), over(judge, sealed), seconds)
    workshop.database.close()
    return Result(
        "raise_seal",
        f"a file of {len(sealed)} bytes raised from B-T to {target.value} and judged, one core",
        run,
        "judging the file as it was deposited",
        reference,
    )
