"""The sample city's completed cases: the catalogue's own examples with today's date and new numbers."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LEGAL_TIME = ZoneInfo("Asia/Shanghai")
DAYS_PER_YEAR = 365.25
SERIAL_DIGITS = 4
DECISION_DAYS = 20  # what a presale permit may take by law is 20 working days at most
_LAST_DIGITS = re.compile(r"\d+(?=\D*$)")


@dataclass(frozen=True, slots=True)
class Story:
    """A case of the walk; `owners`: how many of the example's holders take part, all if None.

    `holder`: somebody else instead of them; `formats`: as what it is made.
    """

    key: str
    zh: str
    en: str
    type_code: str
    service_item: str
    owners: int | None = None
    changes: Mapping[str, Any] | None = None
    holder: Mapping[str, str] | None = None
    formats: tuple[str, ...] = ("pdf",)


# Who builds in the catalogue's example of a construction permit.
DEVELOPER = {"code_type": "001", "code": "91990100MA9700026U", "name": "样例市龘业建设开发有限公司"}
# What the developer applies for next: the presale permit, and the one material that nobody deposited.
NEXT_ITEM = "990100000117002"
NEXT_MISSING = "escrow"
NEXT_PURPOSE, NEXT_USER = "办理商品房预售许可", "样例市住房和城乡建设局"

STORIES = (
    Story(
        "company",
        "企业开办",
        "a company is registered",
        "11990000MB98000126001",
        "990100000131001",
        formats=("pdf", "ofd"),
    ),
    Story("restaurant", "餐馆开业", "a restaurant opens", "11990000MB98000126013", "990100000131002"),
    Story(
        "home",
        "两人购房",
        "two owners, one home",
        "11100000MB03271699001",
        "990100000115001",
        owners=2,
        changes={"shares": ["1/2", "1/2"]},
    ),
    Story("marriage", "结婚登记", "two people marry", "11990000MB9800047Q001", "990100000111001"),
    Story(
        "developer",
        "建设单位开办",
        "a developer is registered",
        "11990000MB98000126001",
        "990100000131001",
        changes={
            "company_kind": "有限责任公司",
            "legal_representative": "龘样建",
            "registered_capital": "壹亿元整",
            "domicile": "样例市湖滨区望湖路8号",
            "business_scope": "房地产开发经营；物业管理。",
        },
        holder=DEVELOPER,
    ),
    Story(
        "land",
        "用地规划",
        "the land may be built on",
        "11100000MB03271699911",
        "990100000115003",
        holder=DEVELOPER,
    ),
    Story(
        "planning",
        "工程规划",
        "the works are planned",
        "11100000MB03271699912",
        "990100000115002",
        holder=DEVELOPER,
    ),
    Story(
        "building",
        "工程开工",
        "building may begin",
        "11100000000013338W901",
        "990100000117001",
        holder=DEVELOPER,
    ),
)
# This one's reply comes from the approval system itself, as a file.
REPLY = Story("reply", "环评批复", "a reply, handed in as a PDF", "11990000MB980008X1021", "990100000116001")


def new_run() -> str:
    """A name for one walk, in every case number of it: two walks on one folder never meet."""
    return f"{datetime.now(LEGAL_TIME):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def completed_case(
    story: Story, example: Mapping[str, Any], run: str, *, document: str | None = None
) -> dict[str, Any]:
    """A deposit's body. `document`: SHA-256 of an uploaded file; without one the result is typeset."""
    result = dict(example)
    result["number"] = _new_number(example["number"])
    result["holders"] = example["holders"][: story.owners] if story.holder is None else [dict(story.holder)]
    result["fields"] = {**example["fields"], **(story.changes or {})}
    result["document"] = None if document is None else {"sha256": document}
    result["formats"] = list(story.formats)
    result |= _period(example)
    return {
        "case": {
            "number": f"{story.key}-{run}",
            "service_item": story.service_item,
            "completed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "applicant": result["holders"][0],
        },
        "results": [result],
    }


def spoiled_case(example: Mapping[str, Any], run: str) -> dict[str, Any]:
    """A deposit with two mistakes: a mistyped holder code, and a validity that ends before it begins."""
    body = completed_case(STORIES[1], example, f"{run}-spoiled")
    (result,) = body["results"]
    (holder,) = result["holders"]
    code = holder["code"]
    result["holders"] = [{**holder, "code": code[:-1] + ("0" if code[-1] != "0" else "1")}]
    result["valid_to"] = (date.fromisoformat(result["valid_from"]) - timedelta(days=1)).isoformat()
    return body


def changed_case(story: Story, example: Mapping[str, Any], run: str, old: str) -> dict[str, Any]:
    """A case that ends in the next version of a certificate of the walk, which takes its place today."""
    body = completed_case(story, example, f"{run}-changed")
    body["results"][0]["supersedes"] = old
    return body


def revocation() -> dict[str, str]:
    """What the authority decides about the restaurant."""
    today = datetime.now(LEGAL_TIME).date()
    return {
        "action": "revoke",
        "reason": "演示：严重违反食品安全规定，吊销许可证",
        "effective_on": today.isoformat(),
    }


def next_question(run: str) -> dict[str, Any]:
    """What the approval system asks when the developer applies for the next item."""
    today = datetime.now(LEGAL_TIME).date()
    holder = {key: DEVELOPER[key] for key in ("code_type", "code")}
    return {
        "service_item": NEXT_ITEM,
        "holders": [{**holder, "role": "applicant"}],
        "case_number": f"presale-{run}",
        "needed_until": (today + timedelta(days=DECISION_DAYS)).isoformat(),
    }


def next_use(certificate_id: str, run: str) -> dict[str, Any]:
    """What a clerk does with a certificate that is held: a use of it for that same case, with a copy."""
    return {
        "certificate_id": certificate_id,
        "case_number": f"presale-{run}",
        "service_item": NEXT_ITEM,
        "purpose": NEXT_PURPOSE,
        "organisation": NEXT_USER,
        "clerk": "文样窗",
        "copy": True,
    }


def _new_number(number: str) -> str:
    """The example's number with a serial of its own in the last digits."""
    serial = f"{secrets.randbelow(10**SERIAL_DIGITS):0{SERIAL_DIGITS}d}"
    found = _LAST_DIGITS.search(number)
    if found is None:
        return number
    digits = found[0][:-SERIAL_DIGITS] + serial
    return number[: found.start()] + digits + number[found.end() :]


def _period(example: Mapping[str, Any]) -> dict[str, str | None]:
    """Issued today, and valid as long as the example is."""
    today = datetime.now(LEGAL_TIME).date()
    valid_to = None
    if example["valid_to"] is not None:
        first, last = date.fromisoformat(example["valid_from"]), date.fromisoformat(example["valid_to"])
        years = round((last - first).days / DAYS_PER_YEAR)
        valid_to = (_years_later(today, years) - timedelta(days=1)).isoformat()
    return {"issued_on": today.isoformat(), "valid_from": today.isoformat(), "valid_to": valid_to}


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
