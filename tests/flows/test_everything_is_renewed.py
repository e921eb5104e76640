"""Whatever the tables' metadata says has keys or indexes is renewed: a new table cannot be forgotten."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Column, LargeBinary, Table, func, select, text, update

from storage.audit import RENEWED_COLUMNS
from storage.embedded import EngineAddresses
from storage.envelope import BY_A_ROW, Suite, version_of
from storage.envelopes_on_file import TABLES
from storage.record_keys import CERTIFICATES, MATERIALS, USES
from storage.renewal_of_records import RENEWED
from storage.tables import (
    audit_events,
    avoided_resubmissions,
    cases,
    dispute_events,
    hold_events,
    metadata,
    reserved_holders,
)
from tests.conftest import House
from tests.flows.test_rotation import rotated
from tests.lived_in import assert_all_there, live_in, now
from tests.trials import all_damaged
from tests.vaults import in_another_process, own_vault
from vault.fsck import fsck
from vault.model.scope import VAULT
from vault.rotating import outdated_rows, retire
from vault.transparency.audit_trail import audit_contradictions
from vault.transparency.sequencing import sequence

pytestmark = pytest.mark.engines

# Wrapped by holders' keys, which are wrapped by the vault's own: a rotation need not touch them.
UNDER_HOLDERS = {kind.of_holders for kind in (CERTIFICATES, MATERIALS, USES)} | {hold_events, dispute_events}
# A statistic: whoever asks before and after a rotation is counted twice (docs/personal-data.md).
NEVER_REINDEXED = {avoided_resubmissions}
# Written anew with its case, whose version it shares.
INDEXED_WITH_ANOTHER = {reserved_holders}

_names = count(1)


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, f"renewed_{next(_names)}") as house:
        yield house


def indexes_of(table: Table) -> list[Column[bytes]]:
    """A table's blind indexes: bytes in a column called so."""
    return [c for c in table.c if c.name.endswith("_index") and isinstance(c.type, LargeBinary)]


def with_keys() -> list[Table]:
    return [table for table in metadata.sorted_tables if "data_key" in table.c]


def with_indexes() -> list[Table]:
    return [table for table in metadata.sorted_tables if indexes_of(table)]


def test_every_table_with_a_key_or_an_envelope_has_an_entry() -> None:
    sealed = {table for table in metadata.sorted_tables if "sealed" in table.c} | set(with_keys())
    assert sealed - UNDER_HOLDERS == {what.table for what in RENEWED}


def test_every_table_with_a_blind_index_says_of_which_version_it_is() -> None:
    indexed = set(with_indexes()) - NEVER_REINDEXED - INDEXED_WITH_ANOTHER
    assert indexed == {table for table in metadata.sorted_tables if "index_version" in table.c} - {
        metadata.tables["key_state"]
    }
    assert indexed <= {what.table for what in RENEWED}


def index_values(house: House) -> dict[str, set[bytes]]:
    """Every blind index in the vault, by column."""
    with house.wired.workshop.database.reading(VAULT) as db:
        return {
            f"{table.name}.{column.name}": set(
                db.execute(select(column).where(column.is_not(None))).scalars()
            )
            for table in with_indexes()
            if table not in NEVER_REINDEXED
            for column in indexes_of(table)
        }


def key_versions(house: House) -> dict[str, set[int]]:
    """Which of the vault's own keys wraps something in each table, and `BY_A_ROW`."""
    with house.wired.workshop.database.reading(VAULT) as db:
        return {
            table.name: {
                version_of(wrapped)
                for wrapped in db.execute(
                    select(table.c.data_key).where(table.c.data_key.is_not(None))
                ).scalars()
            }
            for table in with_keys()
        }


def suites(house: House) -> dict[str, set[int]]:
    """In which suites each table's envelopes are sealed."""
    with house.wired.workshop.database.reading(VAULT) as db:
        return {
            table.name: {
                envelope[1]
                for envelope in db.execute(
                    select(table.c.sealed).where(table.c.sealed.is_not(None))
                ).scalars()
            }
            for table in metadata.sorted_tables
            if "sealed" in table.c
        }


def test_nothing_old_is_left_and_everything_is_found_by_the_new_keys_alone(own: House) -> None:
    workshop = own.wired.workshop
    lived = live_in(own)
    before = index_values(own)
    assert all(before.values()), "every index has a row here, or this test says nothing of it"
    versions = key_versions(own)
    own_keys = {name for name, found in versions.items() if 1 in found}
    of_their_own = {
        "holders",
        "people",
        "upload_keys",
        "webhooks",
        "webhook_secrets",
        "cases",
        "audit_events",
        "deferral_orders",
        "desks",
    }
    assert own_keys == of_their_own
    rotated(own, Suite.SM4)
    assert set(outdated_rows(workshop).values()) == {0}
    for column, indexes in index_values(own).items():
        assert indexes, column
        assert indexes.isdisjoint(before[column]), column
    assert {v for found in key_versions(own).values() for v in found} <= {BY_A_ROW, 2}
    # Nothing but a key may change there.
    histories = {"audit_events", "material_events", "hold_events", "deferral_orders"}
    histories |= {"disputes", "dispute_events"}
    assert {s for name, found in suites(own).items() if name not in histories for s in found} == {Suite.SM4}
    assert [(each.kind, each.version) for each in retire(workshop)] == [("index", 1), ("wrapping", 1)]
    with in_another_process(own) as fresh:
        assert_all_there(fresh, lived)
        assert fsck(fresh.wired.workshop, progress=lambda _: None).problems == ()


def contradictions(house: House) -> list[tuple[str, str]]:
    return list(audit_contradictions(house.wired.workshop, at=now() + timedelta(hours=1)))


def chained(house: House) -> None:
    """Everything so far is in the chain, and the chain's head in the published log."""
    workshop = house.wired.workshop
    sequence(workshop, at=now(), heads_apart=timedelta(0))
    sequence(workshop, at=now(), heads_apart=timedelta(0))


def test_the_audit_trail_holds_before_and_after_a_rotation(own: House) -> None:
    lived = live_in(own)
    chained(own)
    assert contradictions(own) == []
    with own.wired.workshop.database.reading(VAULT) as db:
        before = db.execute(select(audit_events).order_by(audit_events.c.id)).all()
    rotated(own)
    retire(own.wired.workshop)
    with own.wired.workshop.database.reading(VAULT) as db:
        after = db.execute(select(audit_events).order_by(audit_events.c.id).limit(len(before))).all()
    changed = {
        name
        for old, new in zip(before, after, strict=True)
        for name in audit_events.c.keys()  # noqa: SIM118 - names, not columns
        if getattr(old, name) != getattr(new, name)
    }
    assert changed == RENEWED_COLUMNS
    assert contradictions(own) == []
    assert_all_there(own, lived)
    chained(own)
    assert contradictions(own) == []


def test_what_a_rotation_may_write_says_nothing_else(own: House) -> None:
    """The chain leaves three columns out; with the guards off, whatever else is changed is named."""
    live_in(own)
    chained(own)
    newest = "(SELECT max(id) FROM audit_events WHERE sealed IS NOT NULL)"
    with own.owner.writing(VAULT) as db:
        db.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        db.execute(text(f"UPDATE audit_events SET sealed = sealed || 'x' WHERE id = {newest}"))  # noqa: S608 - as above
        db.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
    ((about, why),) = contradictions(own)
    assert about.startswith("audit event ")
    assert "was changed" in why


class Undone(Exception):
    """Rolls a test's damage back."""


def test_fsck_names_the_row_that_is_not_found_by_its_index(own: House) -> None:
    """What the chain leaves out of an audit event is held against its envelope here."""
    workshop = own.wired.workshop
    live_in(own)
    looked_at = [
        table for table in with_indexes() if table in (*TABLES.values(), audit_events) and table is not cases
    ]
    assert len(looked_at) == 8
    for table in looked_at:
        for column in indexes_of(table):
            damage = update(table).where(column.is_not(None)).values({column: func.sha256(column)})
            with suppress(Undone), own.owner.writing(VAULT) as db:
                assert all_damaged(db, workshop.keys) == []
                db.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
                damaged = db.execute(damage).rowcount
                found = all_damaged(db, workshop.keys)
                assert len(found) == damaged > 0, column
                assert all("nobody finds this row by it" in why for _, why in found)
                raise Undone
