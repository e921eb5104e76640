"""The province's people and companies: invented, each a pure function of a number.

Nobody alive bears one of these numbers, by the rule of `tests/generators.py`: people are born before 1910,
and in an area that is assigned to nobody; companies are of area 990100, which does not exist.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from vault.model.checksums import mod_11_2, mod_31, organisation_check

PERSON_CODE_TYPE: Final = "111"
COMPANY_CODE_TYPE: Final = "001"

# The province code is in the list (GB/T 2260), the other four digits are given to no county of it.
_AREA: Final = "119901"
_FIRST_BIRTH: Final = date(1880, 1, 1)
_BIRTHS: Final = (date(1909, 12, 31) - _FIRST_BIRTH).days + 1
_SEQUENCES: Final = 1000
PEOPLE_MAX: Final = _BIRTHS * _SEQUENCES
"""Different people: nearly eleven million, enough for 10⁷ certificates."""
COMPANY_GROUP: Final = "P"
COMPANIES_MAX: Final = 10**7

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN: Final = "样例安康宁远清和文远志明德兴永昌春华秋实雨晴思齐嘉树若水云舒晓岚子墨书瑶一诺梓涵㛃䶮𫖯𬱖"
_BRANDS: Final = "福满隆盛鼎和瑞祥恒通泰安宏达新兴百川聚源汇丰远航启明同德正大"
_TRADES: Final = (
    "餐饮", "食品", "建设", "置业", "物流", "医药", "科技", "化工", "环保", "商贸", "能源", "文化传媒",
    "人力资源", "机械制造", "农业发展", "教育咨询",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who holds certificates. `gender`, `birth`: of people only."""

    code_type: str
    code: str = field(repr=False)
    name: str = field(repr=False)
    gender: str = field(default="", repr=False)
    birth: date | None = field(default=None, repr=False)

    @property
    def as_json(self) -> dict[str, str]:
        """As the public contract writes a holder."""
        return {"code_type": self.code_type, "code": self.code, "name": self.name}


def person(n: int) -> Party:
    """Invented person `n` below `PEOPLE_MAX`; `n` and `n ^ 1` are born on one day and of different sex."""
    births, sequence = divmod(n, _SEQUENCES)
    birth = _FIRST_BIRTH + timedelta(days=births)
    body = f"{_AREA}{birth:%Y%m%d}{sequence:03d}"
    steps = (7,) if n % 4 == 0 else (7, 11)
    given = "".join(_GIVEN[(n + 1) * step % len(_GIVEN)] for step in steps)
    name = _SURNAMES[(n * 13 + n // 40) % len(_SURNAMES)] + given
    return Party(PERSON_CODE_TYPE, body + mod_11_2(body), name, "女男"[sequence % 2], birth)


def company(n: int) -> Party:
    """Invented company `n` below `COMPANIES_MAX`."""
    body = f"{COMPANY_GROUP}{n:07d}"
    head = f"91990100{body}{organisation_check(body)}"
    brand = _BRANDS[n % len(_BRANDS)] + _BRANDS[n // len(_BRANDS) % len(_BRANDS)]
    name = f"样例市{brand}{n:05d}号{_TRADES[n % len(_TRADES)]}有限公司"
    return Party(COMPANY_CODE_TYPE, head + mod_31(head), name)
