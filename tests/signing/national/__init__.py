"""Certificates and keys of national seals."""
