"""Verification: by the QR's token, by number and code, or by the file itself."""

from vault.verify.files import ReadFile, by_file, by_judging, by_very_bytes, read_file
from vault.verify.records import TYPED_MAX_CHARS, by_code, by_token, of_presented, report_json

__all__ = [
    "TYPED_MAX_CHARS",
    "ReadFile",
    "by_code",
    "by_file",
    "by_judging",
    "by_token",
    "by_very_bytes",
    "of_presented",
    "read_file",
    "report_json",
]
