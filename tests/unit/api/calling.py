"""An application without engines, and a client that calls it in this process."""

import asyncio
import secrets
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import httpx
from fastapi import FastAPI
from joserfc.jwk import ECKey

from api.app import create_app
from api.edge import EdgeSettings
from storage.public_read import PublicReader
from vault.workshop import Workshop

PUBLIC_URL = "http://vault.example"
_FOLDERS = TemporaryDirectory(prefix="certvault-token-keys-")


def new_key_pem() -> str:
    return ECKey.generate_key("P-256").as_pem(private=True).decode()


def key_folder(pem: str | None = None) -> Path:
    """A folder with one token key; it goes when the process ends."""
    folder = Path(_FOLDERS.name) / secrets.token_hex(8)
    folder.mkdir()
    (folder / "token.key.pem").write_text(pem or new_key_pem(), encoding="ascii")
    return folder


def settings(**changes: object) -> EdgeSettings:
    values: dict[str, Any] = {
        "public_url": PUBLIC_URL,
        "token_keys": key_folder(),
        "version": "9.9.9",
    }
    return EdgeSettings(**{**values, **changes})


def app_without_engines(**changes: object) -> FastAPI:
    """For what must answer before any engine is asked: whoever touches the workshop here gets a 500."""
    nothing = cast("Workshop", None)
    return create_app(nothing, cast("PublicReader", None), settings(**changes))


def call(
    app: FastAPI,
    method: str,
    path: str,
    **request: Any,  # noqa: ANN401 - what httpx takes
) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            return await client.request(method, path, **request)

    return asyncio.run(once())
