"""The walk's scene: who asks, and what the steps know from each other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.cli.walk.answers import UnexpectedError, json_of
from api.cli.walk.cases import Story, new_run
from api.sample_city import DemoPerson, SampleCity
from vault.model.actors import Role

# The first deposit of a fresh server compiles its template cold.
TIMEOUT_S = 60.0
PDF = {"Content-Type": "application/pdf"}
OFD = {"Content-Type": "application/ofd"}


@dataclass(slots=True)
class Scene:
    """What the steps know from each other; each adds what a later one needs.

    `machine`: the approval system, signed in from the first step on; `browser`: anybody, then the holder.
    `bodies` and `receipts`: by the story's key; `certificates`: as `demo.json` lists them; `sealed`: the file
    whose verification was asked, `ofd` another one, as OFD, both empty until then; `problem`: the refusal's
    problem document; `copy`: the usage copy, a PDF, empty until there is one.
    """

    city: SampleCity = field(repr=False)
    machine: httpx.Client
    browser: httpx.Client
    run: str
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    certificates: list[Mapping[str, Any]] = field(default_factory=list, repr=False)
    sealed: bytes = field(default=b"", repr=False)
    ofd: bytes = field(default=b"", repr=False)
    problem: Mapping[str, Any] = field(default_factory=dict)
    copy: bytes = field(default=b"", repr=False)

    @property
    def holder(self) -> DemoPerson:
        """The person of the city who holds certificates."""
        return next(person for person in self.city.people if person.role is Role.HOLDER)

    def receipt(self, key: str) -> dict[str, Any]:
        """The receipt of this story's deposit. Raises `UnexpectedError` where there was none."""
        if key not in self.receipts:
            raise UnexpectedError(f"Needs the certificate of {key}, which was not deposited.")
        return self.receipts[key]

    def example(self, story: Story) -> dict[str, Any]:
        """The catalogue's own example of what this story ends in."""
        kind = json_of(self.machine.get(f"/v1/catalogue/types/{story.type_code}"), 200)
        example: dict[str, Any] = kind["example"]
        return example

    def verified(self, sealed: bytes, headers: Mapping[str, str] = PDF) -> httpx.Response:
        """What anybody gets who hands this file in for verification."""
        return self.browser.post("/v1/verifications", content=sealed, headers=headers)


@contextmanager
def opened(base_url: str, city: SampleCity) -> Iterator[Scene]:
    """A scene on a running vault: nobody has asked anything yet."""
    with (
        httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False) as machine,
        httpx.Client(base_url=base_url, timeout=TIMEOUT_S, trust_env=False) as browser,
    ):
        yield Scene(city, machine, browser, new_run())
