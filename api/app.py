"""The web application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware

from api.direct import Direct
from api.edge import Edge, EdgeSettings
from api.headers import SecurityHeaders
from api.limits import BodyCap, keep_forms_in_memory
from api.logs import RequestLog
from api.openapi import describe
from api.pages import console, desk, my, public, reference, signin, styleguide
from api.pages.rendering import STATIC, Pages
from api.pages.signed_in import TurnedAway, turned_away
from api.problems import CatchAll, ProblemWriter
from api.routes import (
    catalogue,
    changes,
    consents,
    custody,
    delegations,
    deposits,
    disputes,
    evidence,
    imports,
    lifecycle,
    log,
    lookups,
    operations,
    presentations,
    reuse,
    statements,
    tokens,
    uploads,
    uses,
    verifications,
    webhooks,
)
from api.routes import holder as holder_routes
from storage.public_read import PublicReader
from vault.workshop import Workshop

# In turn a request asks each whether it is meant: what is asked most stands first.
_ROUTES = (
    verifications,
    tokens,
    catalogue,
    uploads,
    deposits,
    lifecycle,
    lookups,
    evidence,
    reuse,
    imports,
    changes,
    webhooks,
    uses,
    statements,
    log,
    holder_routes,
    consents,
    delegations,
    presentations,
    disputes,
    custody,
    operations,
)
_PAGES = (public, signin, my, desk, console, reference, styleguide)


def create_app(workshop: Workshop, reader: PublicReader, settings: EdgeSettings) -> FastAPI:
    """The application over an open workshop and a reader not yet opened; its lifespan opens and closes it."""
    edge = Edge(workshop, reader, settings)
    pages = Pages(edge)
    writer = ProblemWriter(pages.problem_page)
    keep_forms_in_memory()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with edge.running():
            yield

    app = FastAPI(
        version=settings.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # It would record request bodies and foreign exceptions' messages; `logs` does what is wanted.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        middleware=[
            Middleware(RequestLog, metrics=edge.metrics),
            Middleware(SecurityHeaders, https=settings.public_url.startswith("https:")),
            Middleware(CatchAll, writer=writer),
            Middleware(BodyCap),
            Middleware(Direct, routes=verifications.DIRECT),
        ],
    )
    app.state.edge = edge
    app.state.pages = pages
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    writer.install(app)
    app.add_exception_handler(TurnedAway, turned_away)
    for module in (*_ROUTES, *_PAGES):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/docs/assets", StaticFiles(directory=reference.ASSETS), name="docs-assets")
    return app
