"""Security headers on every answer: pages may load our own style and script, all else nothing."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The page that reads QR codes by itself, and no other, may compile our own decoder, which is WebAssembly.
_SCANNING_POLICY = _PAGE_POLICY.replace(b"script-src 'self'", b"script-src 'self' 'wasm-unsafe-eval'")
_OTHER_POLICY = b"default-src 'none'; frame-ancestors 'none'"
# A year, as browsers' preload lists ask for.
_HSTS = b"max-age=31536000"

# What a page of ours never asks a browser for; the one that scans may ask for the camera. Bluetooth is not
# named: browsers that have none complain of an unknown feature on every page.
_PERMISSIONS = (
    b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
    b"display-capture=(), fullscreen=(), browsing-topics=()"
)

SCANNING = {
    "Content-Security-Policy": _SCANNING_POLICY.decode(),
    "Permissions-Policy": _PERMISSIONS.replace(b"camera=()", b"camera=(self)").decode(),
}
"""What the page that scans says instead."""

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # No other site may take an answer of ours into its own process, as a picture or a script.
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", _PERMISSIONS),
]
_PAGE = [
    (b"content-security-policy", _PAGE_POLICY),
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, and the same-origin rule
    # would refuse them. Nothing leaves this origin either way.
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_OTHER = [
    (b"content-security-policy", _OTHER_POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
# Style, script and icon: the pages name them with a digest, so an hour saves almost everything.
_ASSET_PATHS = ("/static/", "/docs/assets/")
_ASSET = [(b"cache-control", b"public, max-age=3600")]


class SecurityHeaders:
    """Middleware: adds what an answer does not say itself. `https`: the vault is reached by https."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        always = [*_ALWAYS, (b"strict-transport-security", _HSTS)] if https else _ALWAYS
        self._page = [*always, *_PAGE]
        self._other = [*always, *_OTHER]
        self._asset = [*_ASSET, *(pair for pair in self._other if pair[0] != _ASSET[0][0])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = dict(message["headers"])
                if message["status"] == HTTPStatus.OK and scope["path"].startswith(_ASSET_PATHS):
                    wanted = self._asset
                elif said.get(b"content-type", b"").startswith(b"text/html"):
                    wanted = self._page
                else:
                    wanted = self._other
                message["headers"] = [*message["headers"], *(pair for pair in wanted if pair[0] not in said)]
            await send(message)

        await self._app(scope, receive, with_headers)
