"""The mapping by which `certvault import` reads the province's register."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from api.bench.province.columns import LIST_SEPARATOR, ORIGINS, Column
from vault.model.catalogue import CertificateType

MAPPING_FILE: Final = "mapping.json"

_FIELDS: Final[dict[str, str]] = {
    Column.KIND_CODE: "type",
    Column.NUMBER: "number",
    Column.HOLDER_NAME: "holders.0.name",
    Column.HOLDER_CODE_TYPE: "holders.0.code_type",
    Column.HOLDER_CODE: "holders.0.code",
    Column.HOLDER_NAME_2: "holders.1.name",
    Column.HOLDER_CODE_TYPE_2: "holders.1.code_type",
    Column.HOLDER_CODE_2: "holders.1.code",
    Column.AUTHORITY_CODE: "issuing_authority",
    Column.ISSUED_ON: "issued_on",
    Column.VALID_FROM: "valid_from",
    Column.VALID_TO: "valid_to",
    Column.STATUS: "status",
}
_OF_FILES: Final[dict[str, str]] = {
    Column.FILE: "file",
    Column.ORIGIN: "origin",
    Column.OFFICER: "attested.officer",
    Column.COMPARED_ON: "attested.on",
    Column.DIGITISED_BY: "attested.authority",
}


def write_mapping(
    path: Path, kinds: Sequence[CertificateType], faces: Mapping[str, str], *, files: bool
) -> None:
    """Writes the mapping; `faces`: columns of face fields by key; `files`: whether rows name files."""
    columns: dict[str, str] = {**_FIELDS, **(_OF_FILES if files else {})}
    columns |= {column: f"fields.{key}" for key, column in faces.items()}
    lists = {field.key for kind in kinds for field in kind.face if field.schema["type"] == "array"}
    mapping = {
        "encoding": "utf-8",
        "columns": columns,
        "codes": {"origin": ORIGINS} if files else {},
        # Entries hold the usual separators themselves.
        "separators": {f"fields.{key}": LIST_SEPARATOR for key in sorted(lists)},
    }
    path.write_text(json.dumps(mapping, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
