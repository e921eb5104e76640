"""Unified social credit code (统一社会信用代码, GB 32100-2015): who an organisation is. It is public.

18 characters: registering department 1, category 1, area of the registry 6 digits, organisation code 9 with
its own check (GB 11714), check 1. Letters I, O, S, V, Z are never used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from vault.errors import InputError
from vault.model.checksums import CREDIT_CODE_ALPHABET, mod_31, organisation_check
from vault.model.transcription import describe, written_form

LENGTH = 18

# Department (first character) to the categories (second) that it registers: GB 32100-2015 with amendments.
CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "1": "1239",  # 机构编制: 机关, 事业单位, 群众团体, 其他
        "2": "19",  # 外交: 外国常驻新闻机构, 其他
        "3": "123459",  # 司法行政: 律师, 公证, 基层法律服务, 司法鉴定, 仲裁, 其他
        "4": "19",  # 文化: 外国在华文化中心, 其他
        "5": "1239",  # 民政: 社会团体, 民办非企业单位, 基金会, 其他
        "6": "129",  # 旅游: 外国, 港澳台旅游部门代表机构, 其他
        "7": "129",  # 宗教: 活动场所, 院校, 其他
        "8": "19",  # 工会: 基层工会, 其他
        "9": "123",  # 市场监管: 企业, 个体工商户, 农民专业合作社
        "A": "19",  # 中央军委: 军队事业单位, 其他
        "N": "1239",  # 农业: 组级, 村级, 乡镇级集体经济组织, 其他
        "Y": "1",  # 其他
    }
)
_CHARACTERS = frozenset(CREDIT_CODE_ALPHABET)
_AREA = slice(2, 8)
_ORGANISATION_BODY = slice(8, 16)
_ORGANISATION_CHECK_INDEX = 16


@dataclass(frozen=True, slots=True)
class SocialCreditCode:
    """A valid code. Raises `InputError` (pointer "") unless `value` is exactly as the standard writes it."""

    value: str

    def __post_init__(self) -> None:
        _check(self.value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """A code as people write it: blanks, full-width characters, small letters. Raises `InputError`."""
        return cls(written_form(text))

    def __str__(self) -> str:
        return self.value


def _odd_character(value: str) -> InputError:
    place, character = next((n, c) for n, c in enumerate(value, start=1) if c not in _CHARACTERS)
    hint = " (the letters I, O, S, V, Z are never used)" if character in "IOSVZ" else ""
    return InputError.at(
        "",
        f"social credit code, character {place}: expected a digit or a capital of GB 32100,"
        f" got {describe(character)}{hint}",
    )


def _check(value: str) -> None:
    if len(value) != LENGTH:
        raise InputError.at("", f"a unified social credit code has 18 characters, got {len(value)}")
    if not _CHARACTERS.issuperset(value):
        raise _odd_character(value)
    department, category = value[0], value[1]
    if category not in CATEGORIES.get(department, ""):
        raise InputError.at(
            "",
            f"social credit code: expected a department and category of GB 32100, got {department}{category}",
        )
    if not value[_AREA].isdigit():
        raise InputError.at("", "social credit code, characters 3 to 8: expected the area's six digits")
    if organisation_check(value[_ORGANISATION_BODY]) != value[_ORGANISATION_CHECK_INDEX]:
        raise InputError.at(
            "",
            "social credit code: character 17 does not fit, the check of the organisation code (9 to 16)",
        )
    if mod_31(value[:-1]) != value[-1]:
        raise InputError.at("", "social credit code: the check character (the last) does not fit the others")
