"""psycopg's connections and cursors, which say on whose behalf they read in no message of its own.

What a connection has to say goes out with its next statement, in one pipeline: one round trip, as without it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import attrgetter
from typing import Any, NoReturn, Self, cast

import psycopg
from psycopg.pq import TransactionStatus

from storage.array_text import array, octets, texts
from storage.exchange import Message, Prepared, Rows
from vault.model.scope import NOBODY, VAULT, Scope

COMMIT = Message("COMMIT")
_SAY = """
    SELECT set_config('certvault.vault', %s, {local}), set_config('certvault.client', %s, {local}),
        set_config('certvault.person', %s, {local}), set_config('certvault.authorities', %s, {local}),
        set_config('certvault.holders', %s, {local}),
        set_config('certvault.holder_ids', coalesce((
            ids_of_holders(nullif(%s, '')::bytea[], %s::smallint[]) || nullif(%s, '')::uuid[]
        )::text, ''), {local}),
        set_config('certvault.shown', %s, {local}), set_config('certvault.named', %s, {local})
"""
# Policies make planning dear, and what is asked on somebody's behalf in a transaction is asked by keys: a
# plan for whatever keys is as good as one for these, and is made once. Left to itself, PostgreSQL makes one
# each time for a list of keys, since it takes ten of them for granted and finds fewer.
_PLAN_ONCE = "set_config('plan_cache_mode', 'force_generic_plan', true),"
SAY_SCOPE = _SAY.format(local="true").replace("SELECT", f"SELECT {_PLAN_ONCE}", 1)
"""With `said`: tells the policies on whose behalf this transaction is, until it ends."""
_SAY_FOR_SESSION = _SAY.format(local="false")
# Whoever sees everything need not say anything else.
_SAY_VAULT = "SELECT set_config('certvault.vault', 'on', true)"
_SAY_VAULT_FOR_SESSION = "SELECT set_config('certvault.vault', 'on', false)"


def said(scope: Scope) -> tuple[str, ...]:
    """The parameters of `SAY_SCOPE`; what the scope does not have is said to be empty."""
    holders = octets(scope.holders) if scope.holders else ""
    return (
        "on" if scope.vault else "",
        scope.client_id or "",
        "" if scope.person_id is None else str(scope.person_id),
        texts(scope.authorities) if scope.authorities else "",
        holders,
        holders,
        array(map(str, scope.ring)),
        array(map(str, scope.holder_ids)) if scope.holder_ids else "",
        octets(scope.shown) if scope.shown else "",
        array(map(str, scope.named)) if scope.named else "",
    )


def saying(scope: Scope, *, for_session: bool) -> Message:
    """Tells the policies on whose behalf the transaction is, or the session outside one."""
    if scope == VAULT:
        return Message(_SAY_VAULT_FOR_SESSION if for_session else _SAY_VAULT)
    return Message(_SAY_FOR_SESSION if for_session else SAY_SCOPE, said(scope))


class ScopedConnection(psycopg.Connection[Any]):
    """A connection that says its scope with its next statement; its cursors are `ScopedCursor`s.

    What it said last outside a transaction stays until somebody says something else: whoever takes it out of
    the pool says for whom in any case.
    """

    _to_say: Scope | None = None
    # Of the session; None: nobody knows, since the answer did not come.
    _said: Scope | None = NOBODY
    _forgotten = 0
    _own: Prepared | None = None
    _over = False
    _gathered: list[Message] | None = None

    @contextmanager
    def gathering(self) -> Iterator[list[Message]]:
        """What is told in this block, in its order; the caller sends it."""
        if self._gathered is not None or self._pipeline is not None:
            raise psycopg.ProgrammingError("What is told here goes with the block around it.")
        gathered: list[Message] = []
        self._gathered = gathered
        try:
            yield gathered
        finally:
            self._gathered = None

    def tell(self, *messages: Message) -> None:
        """Sends statements whose answers nobody reads: at once, or with the block around them.

        Raises:
            psycopg.Error: one failed.
        """
        if self._gathered is not None:
            self._gathered.extend(messages)
        elif self._pipeline is not None:  # psycopg's, which sends what it is given
            for text, same in groupby(messages, key=attrgetter("text")):
                self.cursor().executemany(text, [each.parameters for each in same])
        else:
            self.exchange(*messages)

    def exchange(self, *messages: Message) -> tuple[Rows, ...]:
        """The rows of each of these statements: one round trip, with what is to be said first.

        Raises:
            psycopg.Error: one failed; PostgreSQL has skipped what came after it.
        """
        self._check_open()
        scope, self._to_say = self._to_say, None
        alone = self.info.transaction_status == TransactionStatus.IDLE
        if scope is None:
            return self._exchanged(messages)
        if alone:
            self._said = None
        try:
            _, *answers = self._exchanged([saying(scope, for_session=alone), *messages])
        except BaseException:
            self._to_say = scope
            raise
        if alone:
            self._said = scope
        return tuple(answers)

    def _exchanged(self, messages: Sequence[Message]) -> tuple[Rows, ...]:
        if self._own is None:
            self._own = Prepared(self)
        with self.lock:
            return self.wait(self._own.exchanged(messages))

    def _deallocate(self, name: bytes | None) -> Any:  # noqa: ANN401 - psycopg's own
        """As psycopg's, which tells the server by this to forget what both have prepared."""
        if name is None and self._own is not None:
            self._own.forget()
        return super()._deallocate(name)

    def begin_for(self, scope: Scope) -> None:
        """Somebody takes the connection on behalf of `scope`."""
        self._over = False
        # Holders' ids are looked up as it is said: others may be known by now.
        self._to_say = None if scope == self._said and not scope.holders else scope

    def go_on_for(self, scope: Scope) -> None:
        """From the next statement on this is the scope, of the transaction that is under way."""
        self._to_say = scope

    def end(self) -> None:
        """Nothing is said any more for whoever had the connection; somebody else begins."""
        self._to_say, self._over = None, False

    def commit_with(self, *messages: Message) -> None:
        """Sends these with the COMMIT of the transaction; after that nothing can be said in it.

        What came later would be said outside any transaction, on behalf of whoever read last.

        Raises:
            psycopg.Error: one failed, or the COMMIT; where the connection was lost, it may have taken place.
        """
        self.exchange(*messages, COMMIT)
        self._over = True

    def _check_open(self) -> None:
        if self._over:
            raise psycopg.ProgrammingError("The transaction was committed: it takes no more statements.")

    @contextmanager
    def saying(self) -> Iterator[None]:
        """What is sent in this block goes in one message with what is to be said, if anything is."""
        self._check_open()
        scope, self._to_say = self._to_say, None
        if scope is None:
            yield
            return
        alone = self.info.transaction_status == TransactionStatus.IDLE
        if alone:
            self._said = None
        try:
            with self.pipeline():
                self.say_now(scope, for_session=alone)
                yield
        except BaseException:
            # Outside a transaction the server takes both back; in one, everything is over.
            self.forget_prepared()
            self._to_say = scope
            raise
        if alone:
            self._said = scope

    def forget_prepared(self) -> None:
        """To be called when a pipeline failed: the server has skipped what came after the failure.

        psycopg takes a statement that was to be prepared there for prepared, and asks for it by a name that
        the server does not know, as long as the connection lives. In a transaction the rollback does this.
        """
        if not self.closed and self.info.transaction_status == TransactionStatus.IDLE:
            # Another text each time: psycopg forgets by the answer, and looks at that of new texts alone.
            self._forgotten += 1
            forget = f"DEALLOCATE ALL /* {self._forgotten} */".encode()
            if self._own is not None:
                self._own.forget()
            with suppress(psycopg.Error):  # a connection that is lost is told by whoever uses it next
                psycopg.Cursor(self).execute(forget, prepare=False)

    def say_now(self, scope: Scope, *, for_session: bool = False) -> None:
        """Says a scope in a statement of its own."""
        message = saying(scope, for_session=for_session)
        self.execute(message.text, message.parameters)

    def cursor(self, name: str = "", **how: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """As psycopg's, on this side only: one at the server would read without saying for whom."""
        if name:
            raise psycopg.NotSupportedError("Cursors at the server are not used here.")
        return super().cursor(**how)

    @property
    def has_said_nothing(self) -> bool:
        """Whether the server knows of no scope of this session."""
        return self._said == NOBODY


class ScopedCursor(psycopg.Cursor[Any]):
    """A cursor of a `ScopedConnection`: nothing that it sends goes before what is to be said.

    COPY is no part of a pipeline: there it is said in a message of its own.
    """

    def execute(self, *args: Any, **how: Any) -> Self:  # noqa: ANN401 - psycopg's own
        """As psycopg's."""
        with cast("ScopedConnection", self.connection).saying():
            return super().execute(*args, **how)

    def executemany(self, *args: Any, **how: Any) -> None:  # noqa: ANN401 - psycopg's own
        """As psycopg's."""
        with cast("ScopedConnection", self.connection).saying():
            super().executemany(*args, **how)

    def copy(self, *args: Any, **how: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """As psycopg's."""
        with cast("ScopedConnection", self.connection).saying():
            pass
        return super().copy(*args, **how)

    def stream(self, *_args: Any, **_how: Any) -> NoReturn:  # noqa: ANN401 - psycopg's own
        """Not used here."""
        raise psycopg.NotSupportedError("Rows are not read one by one here.")
