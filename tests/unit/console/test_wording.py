"""What the console says: every kind of trouble has its words, and times read as people say them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import vault.console
from api.pages.console.charts import HEIGHT, WIDTH, columns, shares
from api.pages.console.wording import Wording
from api.pages.texts import TEXTS, Language
from vault.console import Attention, Weight
from vault.console.cases import masked

AT = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
CHINESE, ENGLISH = Wording(Language.ZH, AT), Wording(Language.EN, AT)


def kinds() -> set[str]:
    source = Path(vault.console.__file__).with_name("attention.py").read_text()
    found = set(re.findall(r'Attention\(\s*"([a-z-]+)"', source))
    return found | {"refused", "refused-by-us"}


def test_whatever_can_be_wrong_has_its_words() -> None:
    assert {"no-worker", "backup-failed", "cap-reached"} <= kinds()
    for kind in kinds():
        assert f"console.wrong.{kind}" in TEXTS, kind
        assert f"console.next.{kind}" in TEXTS, kind


@pytest.mark.parametrize("kind", ["invalid-input", "seal-cap-reached", "unavailable", "internal"])
def test_a_refusal_says_why_and_what_to_do(kind: str) -> None:
    values: dict[str, object] = {"client": "suite", "count": 1200, "outcome": kind}
    for say in (CHINESE, ENGLISH):
        wrong = Attention("refused", Weight.SOON, "deposits", values)
        assert "suite" in say.wrong(wrong)
        assert "1,200" in say.wrong(wrong)
        assert TEXTS[f"console.outcome.{kind}"][say is ENGLISH] in say.wrong(wrong)
        assert say.next(wrong) == TEXTS[f"console.mend.{kind}"][say is ENGLISH]


def test_a_refusal_of_a_kind_that_nobody_worded_shows_its_name() -> None:
    values: dict[str, object] = {"client": "suite", "count": 1, "outcome": "brand-new"}
    assert "brand-new" in ENGLISH.wrong(Attention("refused", Weight.SOON, "deposits", values))


@pytest.mark.parametrize(
    ("apart", "chinese", "english"),
    [
        (timedelta(seconds=20), "刚才", "just now"),
        (timedelta(minutes=1), "1 分钟前", "1 minute ago"),
        (timedelta(minutes=59), "59 分钟前", "59 minutes ago"),
        (timedelta(hours=26), "26 小时前", "26 hours ago"),
        (timedelta(days=3), "3 天前", "3 days ago"),
        (timedelta(days=-60), "60 天后", "in 60 days"),
    ],
)
def test_times_as_people_say_them(apart: timedelta, chinese: str, english: str) -> None:
    assert (CHINESE.ago(AT - apart), ENGLISH.ago(AT - apart)) == (chinese, english)


def test_the_clock_is_chinas() -> None:
    assert CHINESE.clock(AT) == "00:30"
    assert CHINESE.clock(AT - timedelta(hours=1)) == "2026-11-23 23:30"
    assert CHINESE.day(AT) == "2026-11-24"


def test_columns_stay_in_their_drawing_and_one_is_seen_beside_thousands() -> None:
    drawn = columns([(0, 0), (9000, 0), (1, 0), (5, 1)])
    assert [bar.kind for bar in drawn.bars] == ["well", "well", "well", "refused"]
    for bar in drawn.bars:
        assert bar.height >= 3
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT + 0.1
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.1
    assert columns([]).bars == ()
    assert shares([("a", 10), ("b", 5)]) == (("a", 10, 1000.0), ("b", 5, 500.0))


@pytest.mark.parametrize("number", ["SL-2026-000118", "1", "1234", "11010519491231002X"])
def test_a_number_shows_its_end_alone(number: str) -> None:
    shown = masked(number)
    assert number not in shown or len(number) < 2
    assert len(shown.lstrip("•")) <= 4
