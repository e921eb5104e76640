"""A holder's history in words: every kind has its sentence in both languages, and none names anybody."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

import vault
from storage.erasure import HOLD, RELEASE
from storage.verification_days import ACTION
from vault.errors import InputError
from vault.model.access_words import DEEDS, NAMED_MAX, STEPS, Names, sentences
from vault.model.custody import SealAct
from vault.model.deferral import ORDER_NAMES, OrderKind
from vault.model.dispute import DisputeState
from vault.model.history_entry import (
    EVENT_ID_ABOVE_ALL,
    Access,
    Deferred,
    Thing,
    Who,
    access_id,
    read_access_id,
    without_id_numbers,
)
from vault.model.lifecycle import Action
from vault.model.use import SubjectKind, UseAction

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
LICENCE = Thing(SubjectKind.CERTIFICATE, UUID(int=1), "T", "1.2.156")
NAMES = Names(("食品经营许可证",), "商品房预售许可", ("样例市住房和城乡建设局",))
# What no holder is told: it opens nobody's certificate.
OF_NO_CERTIFICATE = {
    "sign-in",
    "sign-out",
    "own-accesses",
    "own-disputes",
    "history-defer",
    "history-list",
    "directory-export",  # its beginning is told
    "erase-holder",  # nobody is left to be told
    "seal-import",
    "import-begin",  # what is imported is told, by `import`
    "seal-grant-make",
    "seal-grant-approve",
    "seal-grant-end",
    *(f"seal-{act.value.replace('_', '-')}" for act in SealAct),
}


def access(action: str, **more: object) -> Access:
    values: dict[str, object] = {
        "client": "审批系统",
        "who": Who.SYSTEM,
        "things": (LICENCE,),
        "things_count": 1,
        "case_number": "SL-1",
        "purpose": "预售",
        "service_item": "9901",
    }
    return Access(118, AT, "client-7", action, **{**values, **more})  # type: ignore[arg-type]  # a table's values


@pytest.mark.parametrize(
    ("told", "zh", "en"),
    [
        (
            access("use-make", by_clerk=True),
            (
                "样例市住房和城乡建设局的经办人员（系统：审批系统）因办件 SL-1、事项“商品房预售许可”、"
                "用途“预售”，使用了《食品经营许可证》（用证）。"
            ),
            (
                "A clerk of 样例市住房和城乡建设局 (system: 审批系统) used 食品经营许可证, for case SL-1, "
                "item “商品房预售许可”, purpose “预售”."
            ),
        ),
        (
            access("holdings", things=(), things_count=0, service_item=None, organisation="审批系统"),
            "审批系统因办件 SL-1、用途“预售”，查询了您名下的证照和材料，没有查到。",
            "审批系统 looked up what you hold and found nothing, for case SL-1, purpose “预售”.",
        ),
        (
            access("download", who=Who.YOU, case_number=None, purpose=None, service_item=None),
            "您本人下载了《食品经营许可证》。",
            "You downloaded 食品经营许可证.",
        ),
        (
            access("status", step="suspend", case_number=None, purpose=None, service_item=None),
            "样例市住房和城乡建设局（系统：审批系统）变更了《食品经营许可证》的状态：暂扣。",
            "样例市住房和城乡建设局 (system: 审批系统) changed the status of 食品经营许可证: suspended.",
        ),
        (
            access(
                "public-verification",
                who=Who.PUBLIC,
                count=3,
                case_number=None,
                purpose=None,
                service_item=None,
            ),
            "持有证照原件或编号的社会公众当日共 3 次查验了《食品经营许可证》。",
            "Members of the public who had it in hand verified 食品经营许可证, 3 times on that day.",
        ),
        (
            access(
                "view",
                case_number=None,
                purpose=None,
                service_item=None,
                deferred=Deferred(OrderKind.COURT, AT),
            ),
            (
                "样例市住房和城乡建设局（系统：审批系统）查看了《食品经营许可证》及其历史。"
                "（依据人民法院的决定，此前暂缓告知。）"
            ),
            (
                "样例市住房和城乡建设局 (system: 审批系统) viewed 食品经营许可证 with its history. "
                "(Shown later by an order of a court.)"
            ),
        ),
        (
            access("never-heard-of", who=Who.PERSON, case_number="{what}", purpose=None, service_item=None),
            "另一位有权查看的人因办件 {what}，处理了《食品经营许可证》。",
            "Another person who may handled 食品经营许可证, for case {what}.",
        ),
    ],
)
def test_a_sentence(told: Access, zh: str, en: str) -> None:
    found = sentences(told, NAMES if told.service_item else replace(NAMES, item=None))
    assert (found.zh, found.en) == (zh, en)


def test_many_things_are_counted() -> None:
    names = Names(("甲", "乙", "丙", "丁"))
    found = sentences(access("download", things=(LICENCE,) * 4, things_count=25, who=Who.YOU), names)
    assert "《甲》《乙》《丙》等 25 件" in found.zh
    assert f"甲, 乙, 丙 and {25 - NAMED_MAX} more" in found.en


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("action", [*DEEDS, "never-heard-of"])
def test_every_kind_by_everybody_is_a_sentence_without_the_actor(action: str, who: Who) -> None:
    for things in ((), (LICENCE,)):
        found = sentences(access(action, who=who, things=things, things_count=len(things)), NAMES)
        for sentence in (found.zh, found.en):
            assert "client-7" not in sentence
            assert "{" not in sentence
            assert "None" not in sentence


def test_every_action_that_is_audited_has_its_words() -> None:
    """A flow with a new action says here what its holder is told, or that it opens nobody's certificate."""
    named = {action for file in Path(vault.__path__[0]).rglob("*.py") for action in actions_in(file)}
    named |= {f"use-{action}" for action in UseAction} | {ACTION}
    named |= {f"seal-{act.value.replace('_', '-')}" for act in SealAct}
    named |= {f"{act}-holder" for act in (HOLD, RELEASE)}
    named |= {f"dispute-{state}" for state in DisputeState if state is not DisputeState.SUBMITTED}
    assert named == set(DEEDS) | OF_NO_CERTIFICATE
    assert set(STEPS) == set(Action)
    assert set(ORDER_NAMES) == set(OrderKind)


def either(node: ast.expr) -> tuple[ast.expr, ...]:
    """What an argument may be."""
    return (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,)


def actions_in(file: Path) -> set[str]:
    """Texts that are handed to AuditRow, or to helpers that make one; and what the name `action` may be."""
    found: set[object] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Name(id="AuditRow" | "look_by" | "_look" | "_audit" | "note" | "_note"), args=given
            ):
                named = [keyword.value for keyword in node.keywords if keyword.arg == "action"]
                found |= {
                    each.value
                    for one in (*given, *named)
                    for each in either(one)
                    if isinstance(each, ast.Constant)
                }
            case ast.Assign(
                targets=[ast.Name(id="action" | "noted")],
                value=ast.IfExp(body=ast.Constant(value=one), orelse=ast.Constant(value=other)),
            ):
                found |= {one, other}
            case _:
                pass
    return {each for each in found if isinstance(each, str)}


@pytest.mark.parametrize("event_id", [1, 118, 2**40, EVENT_ID_ABOVE_ALL - 1])
def test_an_id_goes_out_and_comes_back(event_id: int) -> None:
    assert len(access_id(event_id)) == 11
    assert read_access_id(access_id(event_id)) == event_id


@pytest.mark.parametrize("text", ["", "118", "x" * 12, "AAAAAAAAAHZ", "_" * 11, "AAAAAAAA HY", "一" * 11])
def test_an_id_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_access_id(text)


def test_a_third_persons_number_is_blanked_and_a_case_number_stays() -> None:
    assert without_id_numbers("为440524188001010014办理") == "为4405**********0014办理"
    for harmless in ("SL-2026-000118", "440524188001010015", "2026112300000118", "A440524188001010014"):
        assert without_id_numbers(harmless) == harmless
