"""One JSON line for each request, and metrics for Prometheus: route templates, never paths or bodies."""

import json
import logging
import secrets
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vault.errors import VaultError

REQUEST_ID_BYTES = 8
UNMATCHED = "(unmatched)"
# From the hot path's fraction of a millisecond to a large deposit.
DURATION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROW_SHOWN = "\nDETAIL:"
# Extra fields of a record that a line may carry; anything else stays out.
_FIELDS = ("request_id", "method", "route", "status", "duration_ms", "incident", "provider", "why")

_log = logging.getLogger("certvault.request")


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    `messages` also writes what foreign exceptions say, which may hold personal data: for development only.
    Our own errors never carry any.
    """

    def __init__(self, *, messages: bool) -> None:
        super().__init__()
        self._messages = messages

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"], line["trace"] = self._trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)

    def _trace(self, error: BaseException) -> tuple[str, list[str]]:
        chain: list[str] = []
        current: BaseException | None = error
        while current is not None:
            chain += [self._named(current), *_frames(current.__traceback__)]
            current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        return self._named(error), chain

    def _named(self, error: BaseException) -> str:
        name = type(error).__qualname__
        if not self._messages and not isinstance(error, VaultError):
            return name
        # Behind this PostgreSQL shows the row that it refused.
        return f"{name}: {str(error).partition(ROW_SHOWN)[0]}"


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(trace)]


def configure(*, messages: bool) -> None:
    """Sends every log record of the process to standard error as JSON lines; called once, by a command."""
    # What no line of ours says is not looked up for each of them (Logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(messages=messages))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


class Metrics:
    """Request counts and durations of this process; each process has its own and is scraped by itself."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "certvault_requests_total",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._durations = Histogram(
            "certvault_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["method", "route"],
            buckets=DURATION_BUCKETS_S,
            registry=self._registry,
        )

        self._refused = Counter(
            "certvault_limited_total",
            "Requests refused for being too many.",
            ["rule"],
            registry=self._registry,
        )
        self._alone = Counter(
            "certvault_limits_alone_total",
            "Exchanges of limits between processes that failed: this one went by its own count.",
            registry=self._registry,
        )

    def count_refused(self, rule: str) -> None:
        """Counts a request that was one too many."""
        self._refused.labels(rule).inc()

    def count_limits_alone(self) -> None:
        """Counts an exchange of limits that failed."""
        self._alone.inc()

    def observe(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Counts one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(duration_s)

    def text(self, *more: Metric) -> bytes:
        """Everything counted, and `more` that was counted elsewhere, in Prometheus' text format."""
        counted = CollectorRegistry()
        counted.register(_Counted(more))
        return generate_latest(self._registry) + generate_latest(counted)


class _Counted(Collector):
    """Figures that are read from somewhere else at each scrape."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


class RequestLog:
    """Middleware: gives the request an id (`X-Request-Id` in the answer), logs and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and writes its line when the answer is out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = secrets.token_hex(REQUEST_ID_BYTES)
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            duration_s = time.perf_counter() - started
            route = getattr(scope.get("route"), "path_format", UNMATCHED)
            method = scope["method"] if route != UNMATCHED else "-"
            self._metrics.observe(method, route, status, duration_s)
            _log.info(
                "request",
                extra={
                    "request_id": request_id,
                    "method": method,
                    "route": route,
                    "status": status,
                    "duration_ms": round(duration_s * 1000, 2),
                },
            )
