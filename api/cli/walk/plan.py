"""The walk's steps in order, and what came of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from api.cli.walk.answers import UnexpectedError
from api.cli.walk.cases import REPLY, STORIES
from api.cli.walk.deposits import deposit, deposit_again, deposit_file, deposit_spoiled
from api.cli.walk.endings import revoke, supersede
from api.cli.walk.holder import download, enter
from api.cli.walk.questions import catalogue, changes, holdings, reuse, token, use
from api.cli.walk.scene import Scene, opened
from api.cli.walk.verification import (
    judge_ofd,
    verify_altered,
    verify_code,
    verify_file,
    verify_ofd,
    verify_token,
)
from api.sample_city import SampleCity


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the walk and what came of it."""

    zh: str
    en: str
    passed: bool
    detail: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class Walked:
    """All steps; the certificates deposited, as `demo.json` lists them; the refusal's problem document.

    `copy`: the usage copy that was made, a PDF; empty where none was.
    """

    steps: tuple[Step, ...]
    certificates: tuple[Mapping[str, Any], ...] = field(repr=False)
    problem: Mapping[str, Any]
    copy: bytes = field(repr=False)

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not come out as expected."""
        return tuple(step for step in self.steps if not step.passed)


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to come: its caption in Chinese and English, and what is done, which tells its detail."""

    zh: str
    en: str
    take: Callable[[Scene], str]


PLAN = (
    Planned("取得令牌", "access token", token),  # 1
    Planned("证照目录", "catalogue", catalogue),  # 2
    *(Planned(f"入库：{s.zh}", f"deposit: {s.en}", partial(deposit, story=s)) for s in STORIES),  # 3
    Planned(f"入库：{REPLY.zh}", f"deposit: {REPLY.en}", deposit_file),
    Planned("重复提交", "the same again", deposit_again),  # 4
    Planned("错误提交", "with mistakes", deposit_spoiled),  # 5
    Planned("按持证主体查询", "look-up by holder", holdings),  # 6
    Planned("免提交核验", "what need not be handed in again", reuse),
    Planned("用证与加注件", "a clerk uses it, with a copy", use),
    Planned("变更清单", "what happened, in order", changes),  # 7
    Planned("扫码验证", "verify by QR token", verify_token),  # 8
    Planned("编号加验证码", "verify by number and code", verify_code),
    Planned("上传文件验证", "verify by file", verify_file),
    Planned("上传 OFD 验证", "verify by OFD", verify_ofd),
    Planned("OFD 离线检验", "certvault verify FILE.ofd", judge_ofd),
    Planned("篡改文件验证", "verify an altered file", verify_altered),
    Planned("持证人登录", "the holder signs in", enter),  # 9
    Planned("持证人下载", "the holder downloads", download),
    Planned("吊销后验证", "revoked, and its file verified", revoke),  # 10
    Planned("变更后验证", "superseded, and its old file verified", supersede),
)


def walk(base_url: str, city: SampleCity, *, heard: Callable[[Step], None]) -> Walked:
    """Walks through the main job on a running vault; `heard` gets each step when it is done.

    1. A token; 2. the catalogue; 3. nine cases; 4. one of them again; 5. one with mistakes; 6. what the
    holder has, what a company need not hand in again, and a clerk who uses it; 7. the feed of changes;
    8. verification by token, by number and code, by file, by OFD, of an OFD by the command alone, and of an
    altered file; 9. the holder signs in and
    downloads; 10. one certificate is revoked, another one superseded, and their old files say so.
    """
    with opened(base_url, city) as scene:
        steps = []
        for planned in PLAN:
            steps.append(_taken(planned, scene))
            heard(steps[-1])
        return Walked(tuple(steps), tuple(scene.certificates), scene.problem, scene.copy)


def _taken(planned: Planned, scene: Scene) -> Step:
    started = time.perf_counter()
    try:
        passed, detail = True, planned.take(scene)
    except UnexpectedError as error:
        passed, detail = False, str(error)
    except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
        passed, detail = False, f"{type(error).__name__}: {error}"
    return Step(planned.zh, planned.en, passed, detail, (time.perf_counter() - started) * 1000)
