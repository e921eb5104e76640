"""The mathematics and the formats of the transparency log (RFC 6962 and the C2SP specifications)."""
