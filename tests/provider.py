"""The local identity provider for the suite: a process as `certvault up` starts it, and its people."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket

import httpx

from api.cli.browser import sign_in
from api.local_provider.book import Account, read_book, write_book
from api.local_provider.founding import account
from tests.programs import environment, eventually
from vault.model.actors import Role
from vault.model.holders import HolderCode

ORIGIN = "http://vault.example"
Calls = Callable[..., httpx.Response]


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """The running provider."""

    book: Path

    def admit(
        self,
        *roles: Role,
        code: HolderCode | None = None,
        organisation: str | None = None,
        name: str = "林样例",
    ) -> Account:
        """Somebody new who can sign in."""
        login = f"p-{secrets.token_hex(6)}"
        fresh = account(
            login,
            secrets.token_urlsafe(9),
            name=name,
            roles=frozenset(roles),
            code=code,
            organisation=organisation,
        )
        self.keep(fresh)
        return fresh

    def keep(self, fresh: Account) -> None:
        """Writes an account into the book, in the place of one with the same login."""
        book = read_book(self.book)
        others = tuple(each for each in book.accounts if each.login != fresh.login)
        write_book(self.book, replace(book, accounts=(*others, fresh)))

    def let_in(self, caller: Calls, who: Account) -> httpx.Response:
        """Signs somebody in, by the pages that a browser would see; the answer that leads home."""
        with outside() as elsewhere:
            answer = sign_in(browsing(caller, elsewhere), ORIGIN, who.login, who.password)
        assert answer.status_code == 303, answer.text
        return answer


@contextmanager
def outside() -> Iterator[httpx.Client]:
    """A client for addresses that are not the vault's."""
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        yield client


def browsing(
    caller: Calls, elsewhere: httpx.Client
) -> Callable[[str, str, Mapping[str, str] | None], httpx.Response]:
    """One browser: the vault is called in this process, the provider over the wire."""

    def send(method: str, address: str, form: Mapping[str, str] | None) -> httpx.Response:
        if address.startswith(ORIGIN + "/"):
            return caller(method, address.removeprefix(ORIGIN), data=form)
        return elsewhere.request(method, address, data=form)

    return send


@contextmanager
def running_provider(
    settings: Mapping[str, str], listening: socket, issuer: str, book: Path, log: Path
) -> Iterator[IdentityProvider]:
    """The provider on this socket while the block runs."""
    descriptor = listening.fileno()
    arguments = ["-P", "-m", "api.child", str(os.getpid()), "provider", str(descriptor), str(book)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(settings),
            pass_fds=[descriptor],
            stdout=output,
            stderr=output,
        )
    try:
        with outside() as client:
            eventually(lambda: answers(client, f"{issuer}/jwks", process), "the provider")
        yield IdentityProvider(book)
    finally:
        process.terminate()
        process.wait()


def answers(client: httpx.Client, address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether something answers there; it must not have ended."""
    assert process.poll() is None, "the provider ended"
    try:
        return client.get(address).is_success
    except httpx.HTTPError:
        return False
