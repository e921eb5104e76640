"""Routes that are asked most, reached without the framework's routing and dependencies.

FastAPI describes such a route, and answers what is not meant for it; the request itself goes from the
middleware to its endpoint, which asks for the request and for nothing else.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Direct:
    """Middleware, the last one: answers the routes' requests itself and passes everything else on.

    `routes`: without parameters in their paths. What their endpoints raise goes to `problems.CatchAll`, which
    writes the same answers as the framework is told to.
    """

    def __init__(self, app: ASGIApp, routes: tuple[tuple[APIRoute, Endpoint], ...]) -> None:
        self._app = app
        self._routes = {
            (method, route.path): (route, endpoint)
            for route, endpoint in routes
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        found = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["route"], endpoint = found  # for the log and the metrics
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)
