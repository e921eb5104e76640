"""Rows and blobs: PostgreSQL tables, the S3 store, envelopes, and the embedded engines. It knows no seal."""
