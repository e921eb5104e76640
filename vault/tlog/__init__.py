"""The mathematics of the transparency log (RFC 6962)."""
