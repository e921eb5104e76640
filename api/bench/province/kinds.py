"""The province's catalogue: the shipped one and further kinds, `KINDS` in all, each a file like the shipped.

It is the bench's own and is never shipped: the further kinds share three forms (organisation's licence,
person's card, project's permit), which is enough to measure with and too little to issue by.
"""

import shutil
from pathlib import Path
from typing import Any, Final

import yaml

from api.bench.province.kind_table import FURTHER, Form, FurtherKind
from signing.typeset import SEAL_PLACES
from vault.catalogue import SHIPPED, Catalogue, load_catalogue
from vault.model.checksums import mod_31, organisation_check

KINDS: Final = 98
"""Kinds of certificate in the real province that issue 8 takes for its reference."""
CATALOGUE_FOLDER: Final = "catalogue"

# The body that defines the further kinds: invented, of the area that is assigned to nobody.
_BODY: Final = "MB970001"
_GENDERS: Final = ["男", "女"]
_LINE: Final = {"type": "string", "minLength": 1, "maxLength": 60}
_LONG: Final = {"type": "string", "minLength": 1, "maxLength": 160}


def write_catalogue(folder: Path) -> Catalogue:
    """The province's catalogue as files in `folder`, which is made anew; checked and loaded from there.

    Raises:
        InputError: a file is not what `certvault catalogue check` wants; it would be a defect of the bench.
    """
    if folder.exists():
        shutil.rmtree(folder)
    types = folder / "types"
    types.mkdir(parents=True)
    for name in ("city.yaml", "materials.yaml"):
        shutil.copy(SHIPPED / name, folder / name)
    shutil.copytree(SHIPPED / "items", folder / "items")
    shipped = sorted((SHIPPED / "types").glob("*.yaml"))
    for file in shipped:
        shutil.copy(file, types / file.name)
    authorities = _authorities(folder / "city.yaml")
    for n, further in enumerate(FURTHER[: KINDS - len(shipped)], start=1):
        text = yaml.safe_dump(_definition(further, n, authorities), allow_unicode=True, sort_keys=False)
        (types / f"further-{n:02d}.yaml").write_text(text, encoding="utf-8")
    return load_catalogue(folder, SEAL_PLACES)


def _authorities(city: Path) -> dict[str, str]:
    """The city's authorities' codes by the ids that kinds name them with."""
    data = yaml.safe_load(city.read_text(encoding="utf-8"))
    return {each["id"]: each["code"] for each in data["authorities"]}


def _definition(further: FurtherKind, n: int, authorities: dict[str, str]) -> dict[str, Any]:
    head = f"11990000{_BODY}{organisation_check(_BODY)}"
    code = f"{head}{mod_31(head)}{n:03d}"
    parts = {Form.LICENCE: _licence, Form.CARD: _card, Form.PERMIT: _permit}[further.form](further)
    return {
        "code": code,
        "version": 1,
        "name": further.name,
        "name_en": further.name_en,
        "category": "approval" if further.form is Form.PERMIT else "certificate",
        "authorities": list(dict.fromkeys([further.authority, "approvals"])),
        "holders": parts["holders"],
        "validity": {"required": further.years is not None, "years_max": further.years},
        "formats": ["pdf"],
        "template": parts["template"],
        "number_pattern": f"^{further.mark}[0-9]{{4}}[0-9]{{8}}$",
        "layout": {"number_label": "证书编号", "authority_label": "发证机关", "holder_label": parts["label"]},
        "face": parts["face"],
        "example": {
            "type": code,
            "number": f"{further.mark}202600000118",
            "holders": [parts["holder"]],
            "issuing_authority": authorities[further.authority],
            "issued_on": "2026-10-26",
            "valid_from": "2026-10-26",
            "valid_to": None if further.years is None else f"{2026 + further.years}-10-25",
            "fields": parts["fields"],
            "document": None,
            "formats": ["pdf"],
            "supersedes": None,
        },
    }


def _licence(further: FurtherKind) -> dict[str, Any]:
    return {
        "template": "licence-landscape",
        "label": "持证单位",
        "holders": {"kinds": ["organisation"], "count_min": 1, "count_max": 1},
        "holder": {"code_type": "001", "code": "91990100MA9700034N", "name": "样例市福满楼餐饮有限公司"},
        "face": [
            _field("legal_representative", "法定代表人", "Legal representative", _LINE),
            _field("address", "地址", "Address", _LONG, wide=True),
            _field("scope", "许可范围", "Scope", _LONG, wide=True),
            _field("remarks", "备注", "Remarks", _LONG, wide=True, required=False),
        ],
        "fields": {
            "legal_representative": "李样例",
            "address": "样例市湖滨区文昌路118号",
            "scope": further.subject,
        },
    }


def _card(further: FurtherKind) -> dict[str, Any]:
    return {
        "template": "personal-card",
        "label": "姓名",
        "holders": {"kinds": ["person"], "count_min": 1, "count_max": 1},
        "holder": {"code_type": "111", "code": "110101190001010014", "name": "张𬱖"},
        "face": [
            _field("gender", "性别", "Sex", {"type": "string", "enum": _GENDERS}),
            _field("birth_date", "出生日期", "Date of birth", {"type": "string", "format": "date"}),
            _field("subject", "类别", "Category", _LINE),
            _field("employer", "工作单位", "Employer", _LONG, wide=True, required=False),
        ],
        "fields": {"gender": "男", "birth_date": "1900-01-01", "subject": further.subject},
    }


def _permit(further: FurtherKind) -> dict[str, Any]:
    return {
        "template": "permit-portrait",
        "label": "申请单位（个人）",
        "holders": {"kinds": ["organisation", "person"], "count_min": 1, "count_max": 5},
        "holder": {"code_type": "001", "code": "91990100MA9700034N", "name": "样例市福满楼餐饮有限公司"},
        "face": [
            _field("project_name", "项目名称", "Project", _LONG, wide=True),
            _field("location", "地点", "Location", _LONG, wide=True),
            _field("area", "面积（平方米）", "Area", {"type": "number", "minimum": 0, "maximum": 1e7}),
            _field("matters", "许可事项", "Matters", _LONG, wide=True),
        ],
        "fields": {
            "project_name": "样例市文昌路改造工程",
            "location": "样例市湖滨区文昌路",
            "area": 118.5,
            "matters": further.subject,
        },
    }


def _field(
    key: str, label: str, label_en: str, schema: dict[str, Any], *, wide: bool = False, required: bool = True
) -> dict[str, Any]:
    # Copies: the catalogue's files take no YAML aliases.
    field = {"key": key, "label": label, "label_en": label_en, "wide": wide, "required": required}
    return {**field, "schema": {name: list(v) if isinstance(v, list) else v for name, v in schema.items()}}
