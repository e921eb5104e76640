"""For whoever runs the vault: alive, ready, counted, and which version."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from api.answers import ReadyOut, VersionOut
from api.deps import EdgeHere, now
from vault.avoided import AvoidedCount
from vault.disputes import OpenDisputes, open_disputes_now
from vault.errors import Unavailable
from vault.raising import SealHealth, seal_health
from vault.transparency.health import LogHealth, log_health, sentence
from vault.webhooks import DeliveryState, unsettled

router = APIRouter(tags=["operations"])

_ALIVE = b"ok\n"


@router.get("/livez", summary="The process answers", response_class=PlainTextResponse)
async def livez() -> Response:
    """Always `ok`; touches nothing."""
    return Response(_ALIVE, media_type="text/plain")


@router.get(
    "/readyz",
    summary="The engines answer",
    response_model=ReadyOut,
    responses={503: {"model": ReadyOut, "description": "One does not; `checks` says which."}},
)
def readyz(edge: EdgeHere) -> JSONResponse:
    """Asks the database and the object store, each by itself.

    `log` says so where a promise of the transparency log is broken or its sequencer has stopped: somebody
    has to look, and the vault goes on answering.
    """
    checks = {}
    for name, engine in (("database", edge.workshop.database), ("object_store", edge.workshop.blobs)):
        try:
            engine.ping()
            checks[name] = "ok"
        except Unavailable as error:
            checks[name] = error.detail
    ready = all(answer == "ok" for answer in checks.values())
    if ready:
        with suppress(Unavailable):
            said = sentence(log_health(edge.workshop, at=now()))
            checks |= {} if said == "ok" else {"log": said}
    return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics", summary="Counters of this process and of the vault", response_class=PlainTextResponse)
def metrics(edge: EdgeHere) -> Response:
    """In Prometheus' text format. With several processes each has its own requests: scrape each.

    `certvault_resubmissions_avoided_total`, `certvault_webhook_deliveries` (pending, and dead: given up),
    `certvault_disputes` (open ones by state), `certvault_disputes_overdue`, `certvault_log_…` and
    `certvault_seals_…` are the whole vault's, the same from every process: take the maximum, not the sum.
    They are left out while an engine does not answer.
    """
    families: list[Metric] = []
    with suppress(Unavailable):
        families.append(_avoided_family(edge.avoided.counts(edge.workshop.database, now())))
        families.append(_deliveries_family(unsettled(edge.workshop)))
        families += _dispute_families(open_disputes_now(edge.workshop, overdue=True, at=now())[1])
    with suppress(Unavailable):
        families += _log_families(log_health(edge.workshop, at=now()))
    with suppress(Unavailable):
        families += _seal_families(seal_health(edge.workshop, at=now()))
    return Response(edge.metrics.text(*families), media_type="text/plain; version=0.0.4")


def _avoided_family(counts: Sequence[AvoidedCount]) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "certvault_resubmissions_avoided",
        "Required materials that a case was answered for from the vault.",
        labels=["service_item", "authority", "month"],
    )
    for each in counts:
        family.add_metric([each.service_item, each.authority, each.month], each.count)
    return family


def _deliveries_family(counts: Mapping[DeliveryState, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "certvault_webhook_deliveries", "Deliveries of webhooks that have not arrived.", labels=["state"]
    )
    for state, count in counts.items():
        family.add_metric([state.value], count)
    return family


def _dispute_families(found: OpenDisputes) -> list[Metric]:
    family = GaugeMetricFamily("certvault_disputes", "Disputes that are open.", labels=["state"])
    for state, count in found.counts.items():
        family.add_metric([state.value], count)
    told = "Disputes that are open after their last day."
    return [family, GaugeMetricFamily("certvault_disputes_overdue", told, value=found.overdue)]


def _seal_families(health: SealHealth) -> list[Metric]:
    since = health.untimed.since
    gauges = {
        "certvault_seals_untimed": ("Seals that wait for their first time-stamp.", health.untimed.count),
        "certvault_seals_untimed_seconds": (
            "For how long the oldest of them waits; 0 where none does.",
            0.0 if since is None else (now() - since).total_seconds(),
        ),
        "certvault_seals_over_budget": (
            "1 where more seals wait, or for longer, than the outage budget allows.",
            float(health.over_budget),
        ),
        "certvault_seals_late": ("Seals that should have been raised or renewed by now.", health.late),
        "certvault_seals_given_up": ("Seals that an operator has to look at.", health.given_up),
    }
    return [GaugeMetricFamily(name, text, value=value) for name, (text, value) in gauges.items()]


def _log_families(health: LogHealth) -> list[Metric]:
    gauges = {
        "certvault_log_size": ("Leaves in the newest shard's published checkpoint.", health.size),
        "certvault_log_waiting": ("Leaves that have no place in the log yet.", health.waiting),
        "certvault_log_overdue_seconds": (
            "By how much the oldest promise to include a leaf is broken; 0 where every promise is kept.",
            health.overdue.total_seconds(),
        ),
        "certvault_log_stopped": (
            "1 where the sequencer refuses to go on, since it would fork the log.",
            float(health.incident is not None),
        ),
    }
    return [GaugeMetricFamily(name, text, value=value) for name, (text, value) in gauges.items()]


@router.get("/version", summary="What runs here", response_model=VersionOut)
async def version(edge: EdgeHere) -> JSONResponse:
    """Name and version."""
    return JSONResponse({"name": "certvault", "version": edge.settings.version})
