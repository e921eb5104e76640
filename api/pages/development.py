"""Sign-in by password, for development. `create_app` does not mount this in production."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.asking import admit_sign_in
from api.auth import refuse_cross_origin, session_cookie_name
from api.deps import EdgeHere, edge_of, now
from api.pages.rendering import pages_of
from vault import signin
from vault.errors import NotAuthenticated

router = APIRouter(include_in_schema=False)

HOME = "/my"
FORM_FIELDS_MAX = 4


@router.get("/dev/login")
async def login_page(request: Request) -> Response:
    """The form."""
    return pages_of(request).render(request, "login.html", refused=False, login="")


@router.post("/dev/login")
async def log_in(request: Request) -> Response:
    """Opens a session and leads on to the holder's page; 401 with the form again where refused."""
    refuse_cross_origin(request.headers)
    edge = await edge_of(request)
    async with request.form(max_files=0, max_fields=FORM_FIELDS_MAX) as form:
        login, password = str(form.get("login", "")), str(form.get("password", ""))
    admit_sign_in(edge, request, login)
    lifetime = edge.settings.session_lifetime
    try:
        token = await run_in_threadpool(
            signin.sign_in, edge.workshop, login, password, at=now(), lifetime=lifetime
        )
    except NotAuthenticated:
        return pages_of(request).render(request, "login.html", status=401, refused=True, login=login)
    response = RedirectResponse(HOME, 303)
    https = edge.settings.public_url.startswith("https:")
    response.set_cookie(
        session_cookie_name(edge.settings.public_url),
        token,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/dev/logout")
def log_out(request: Request, edge: EdgeHere) -> Response:
    """Ends the session here and in the browser."""
    refuse_cross_origin(request.headers)
    name = session_cookie_name(edge.settings.public_url)
    token = request.cookies.get(name)
    if token is not None:
        signin.sign_out(edge.workshop, token)
    response = RedirectResponse("/", 303)
    https = edge.settings.public_url.startswith("https:")
    response.delete_cookie(name, path="/", secure=https, httponly=True, samesite="lax")
    return response
