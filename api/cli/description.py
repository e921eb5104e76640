"""The API's description without a running vault."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from api.app import create_app
from api.edge import Mode
from api.settings import read_settings
from api.wiring import wire
from vault.founding import SecretsFolder, found_development_secrets

NOWHERE = "http://vault.example"


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of an application whose engines nobody asks for anything."""
    with tempfile.TemporaryDirectory(prefix="certvault-openapi-") as folder:
        secrets = SecretsFolder(Path(folder) / "keys")
        token_key = ECKey.generate_key("P-256").as_pem(private=True)
        found_development_secrets(secrets, token_key_pem=token_key, at=datetime.now(UTC))
        settings = read_settings(
            {
                "mode": Mode.DEVELOPMENT,
                "database_url": "postgresql://vault.example/certvault",
                "s3_endpoint": NOWHERE,
                "s3_access_key": "none",
                "s3_secret_key": "none",
                "public_url": NOWHERE,
                "secrets": secrets.path,
                "trust": secrets.authority_certificate,
            }
        )
        wired = wire(settings)
        return create_app(wired.workshop, wired.reader, wired.edge).openapi()
