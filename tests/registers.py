"""A sample register of a hundred columns and uneven quality, invented row by row from a seed."""

import csv
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import House
from tests.requests import FOOD, kind_named
from vault.importing import RegisterMapping, mapping_from_json

# What the rest of a register's columns are: nobody maps them.
PADDING = 85


@dataclass
class Register:
    """A register of food licences, or of another type. `rows`: by column; tests spoil single cells."""

    house: House
    rows: list[dict[str, str]] = field(default_factory=list)
    type_name: str = FOOD

    def add(self, count: int = 1, **cells: str) -> list[dict[str, str]]:
        """More rows, each a whole certificate of its own."""
        example = kind_named(self.house.catalogue, self.type_name).example
        added = []
        for _ in range(count):
            row = {
                "许可证编号": f"JY{secrets.randbelow(10**14):014d}",
                "经营者名称": example["holders"][0]["name"],
                "证件号码": example["holders"][0]["code"],
                "证件类型": "统一社会信用代码",
                "发证日期": "2024年3月5日",
                "有效期起": "2024/3/5",
                "有效期至": "20290304",
                "文件": "",
                "来源": "",
                "核对人": "",
                "核对日期": "",
                **{f"备注{n}": "" for n in range(PADDING)},
            }
            row |= {self.column(key): _written(value) for key, value in example["fields"].items()}
            row |= cells
            self.rows.append(row)
            added.append(row)
        return added

    @staticmethod
    def column(key: str) -> str:
        """The column of a face field."""
        return f"照面_{key}"

    def mapping_json(self) -> dict[str, Any]:
        """The register's mapping as its writer has it."""
        kind = kind_named(self.house.catalogue, self.type_name)
        return {
            "columns": {
                "许可证编号": "number",
                "经营者名称": "holders.0.name",
                "证件号码": "holders.0.code",
                "证件类型": "holders.0.code_type",
                "发证日期": "issued_on",
                "有效期起": "valid_from",
                "有效期至": "valid_to",
                "文件": "file",
                "来源": "origin",
                "核对人": "attested.officer",
                "核对日期": "attested.on",
                **{self.column(key): f"fields.{key}" for key in kind.example["fields"]},
            },
            "constants": {
                "type": kind.code,
                "issuing_authority": str(kind.example.get("issuing_authority", kind.authorities[0].code)),
            },
            "codes": {
                "holders.0.code_type": {"统一社会信用代码": "001", "身份证": "111"},
                "origin": {
                    "扫描件已核对": "scan_attested",
                    "扫描件": "scan_unverified",
                    "电子证照": "born_sealed",
                },
                "valid_to": {"长期": ""},
            },
        }

    def mapping(self) -> RegisterMapping:
        """The same, read."""
        return mapping_from_json(self.mapping_json())

    @staticmethod
    def mapping_of(value: dict[str, Any]) -> RegisterMapping:
        """A mapping that a test has changed."""
        return mapping_from_json(value)

    def csv(self, folder: Path, name: str = "register.csv", encoding: str = "utf-8") -> Path:
        """The register as a file."""
        path = folder / name
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        return path

    def jsonl(self, folder: Path) -> Path:
        """The register as JSON lines."""
        path = folder / "register.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows))
        return path


def _written(value: object) -> str:
    """A face field as a register has it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "、".join(map(str, value))
    assert not isinstance(value, Mapping)
    return str(value)
