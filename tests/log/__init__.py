"""Tests of the transparency log and the audit trail on the real engines."""
