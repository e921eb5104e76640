"""Marked names, numbers and files go through a deposit; none stands in clear in any file of either engine.

On engines of its own: what other tests put there is not looked for.
"""

import base64
import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import discard, embedded_engines
from storage.embedded.placement import recorded_home
from storage.envelope import Suite
from tests.conftest import House
from tests.files import copy_bytes, sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import company, now, request_of, with_material
from tests.flows.test_uses import asked, used
from tests.flows.test_webhooks import HERE
from tests.vaults import by_owner, own_vault
from vault.erasing import hold
from vault.lookup import by_number, holdings
from vault.model.actors import Assurance, Introduced, Role
from vault.model.holders import HolderCode
from vault.rotating import rotate
from vault.sessions import enter
from vault.webhooks import register

pytestmark = pytest.mark.engines


def files_under(folder: Path) -> Iterator[Path]:
    yield from (
        path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size
    )


def found_in(folders: list[Path], needles: dict[str, bytes]) -> set[tuple[str, str]]:
    """Which of these stand in which file."""
    found = set()
    for folder in folders:
        for path in files_under(folder):
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found |= {(name, str(path)) for name, needle in needles.items() if content.find(needle) >= 0}
    return found


@pytest.mark.parametrize("suite", list(Suite), ids=lambda suite: suite.label)
def test_no_canary_stands_in_clear_on_any_disk(tmp_path: Path, suite: Suite) -> None:
    data = tmp_path / "data"
    with (
        embedded_engines(data) as engines,
        own_vault(engines, tmp_path, "canary", suite=suite, keep=True) as house,
    ):
        number, needles = _deposit_canaries(house)
        rotate(by_owner(house), suite, at=now(), wait=lambda _: None, progress=lambda _, __: None)
    # The engines have ended: everything is on disk, in heap files, in the write-ahead log, in volumes.
    folders = [data, recorded_home(data)]
    control = {"a case's number": number.encode(), "an object's metadata": b"certificate"}
    assert {name for name, _ in found_in(folders, control)} == set(control)
    assert found_in(folders, needles) == set()
    discard(data)


def _telling(content: bytes) -> bytes:
    """A piece of a file that stands nowhere by chance, as a row of zeros would."""
    pieces = (content[n : n + 32] for n in range(2000, len(content) - 32))
    return next(piece for piece in pieces if len(set(piece)) > 24)


def _deposit_canaries(house: House) -> tuple[str, dict[str, bytes]]:
    """A marked case, looked up once: its number, which is in clear, and what must not stand anywhere."""
    who = {**company(7), "name": "金丝雀样例有限公司"}
    request = with_material(house, request_of(house, who))
    request["results"][0]["number"] = "金丝雀许字〔2026〕118号"
    request["materials"][0]["name"] = "金丝雀材料"
    (certificate,) = deposited(house, request).certificates
    workshop, code = house.wired.workshop, HolderCode.parse(who["code_type"], who["code"])
    holdings(
        workshop, house.client, code, purpose="金丝雀事由", service_item=None, case_number=None, at=now()
    )
    by_number(workshop, house.client, certificate.number, purpose="金丝雀事由二", at=now())
    pdf = sealed_bytes(house, certificate)
    words = {"purpose": "金丝雀用途", "clerk": "金丝雀窗口", "organisation": "金丝雀机关"}
    use = used(house, asked(certificate, case_number="CANARY-2026-0042", **words)).use
    copied = copy_bytes(house, use)
    roles = frozenset({Role.HOLDER})
    subject = "canary-subject-31"
    who_signs_in = Introduced("https://id.example", subject, "金丝雀某", roles, None, code, Assurance.HIGH)
    enter(workshop, who_signs_in, "test", before=None, at=now())
    url = "https://receiver.example/canary-path-17"
    secret = register(workshop, house.client, house.client.client_id, url, HERE, at=now()).secret
    hold(workshop, code, reason="金丝雀法院", actor="operator:test", at=now())
    texts = {
        "name": who["name"],
        "code": who["code"],
        "number": certificate.number,
        "material": "金丝雀材料",
        "purpose": "金丝雀事由",
        "verification code": certificate.verification_code,
        "token": certificate.token,
        **{f"the use's {name}": text for name, text in words.items()},
        "the use's case": use.case_number,
        "subject": subject,
        "person": "金丝雀某",
        "webhook": url,
        "webhook's secret": secret,
        "hold": "金丝雀法院",
    }
    needles = {name: text.encode() for name, text in texts.items()}
    # JSON may escape; of the sealed file a cut of its (compressed) body and of its signature are looked for.
    needles |= {
        f"{name} escaped": text.encode("unicode_escape") for name, text in texts.items() if not text.isascii()
    }
    needles |= {f"{name} in base64": base64.b64encode(text.encode()) for name, text in texts.items()}
    needles |= {
        "the sealed file": _telling(pdf),
        "its signature": pdf[-400:-368],
        "the usage copy": _telling(copied),
        "the copy's end": copied[-400:-368],
        "the uploaded file": b"m 100 100 l S",
    }
    return request["case"]["number"], needles
