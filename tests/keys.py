"""Keys for the suite, made anew in every run."""

from joserfc.jwk import ECKey


def token_key_pem() -> bytes:
    """An EC P-256 private key that signs access tokens."""
    return ECKey.generate_key("P-256").as_pem(private=True)
