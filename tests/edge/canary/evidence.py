"""The run itself, and everything that it left behind, searched place by place.

In each place a second set of canaries is laid on purpose once the run is over: a search that does not see
those has seen nothing.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import typst
from minio import Minio
from psycopg import connect, sql
from psycopg.types.json import Jsonb

from signing.typeset.fonts import typesetting_fonts
from storage.embedded.postgres import SUPERUSER
from tests.edge.canary.at_the_desk import clerk
from tests.edge.canary.calls import Exchange, everywhere
from tests.edge.canary.ceilings import limited, ungranted
from tests.edge.canary.keeping import custodians
from tests.edge.canary.marks import Kind, Marks
from tests.edge.canary.mishaps import (
    bodies,
    everything,
    nothing_can_be_found,
    nothing_can_be_written,
    placed,
    refusals,
    renew,
    unknown_callers,
)
from tests.edge.canary.searching import Hit, Searcher
from tests.edge.canary.story import Story
from tests.edge.canary.watching import operator
from tests.edge.canary.ways import STORY
from tests.programs import eventually

# Whoever waits for a database that is away waits some seconds: many wait at once.
HANDS = 24
PLANTED_BUCKET = "planted"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to look. `metrics`: as scraped at the end, and what was planted in them.

    `sent`, `got`: every exchange with the canaries in its request and in its answer.
    """

    story: Story
    searcher: Searcher
    metrics: bytes
    planted: Exchange
    sent: list[tuple[Exchange, set[Hit]]]
    got: list[tuple[Exchange, set[Hit]]]

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request and answer."""
        return self.story.browser.exchanges

    def logs(self) -> set[Hit]:
        """What every process wrote: server, worker, provider, PostgreSQL, SeaweedFS."""
        return self.searcher.in_files([self.story.vault.logs, self.story.vault.data / "logs"])

    def database_files(self) -> set[Hit]:
        """PostgreSQL's whole data directory: tables, indexes, write-ahead log."""
        return self.searcher.in_files([self.story.vault.home])

    def object_files(self) -> set[Hit]:
        """The object store's files."""
        return self.searcher.in_files([self.story.vault.data / "seaweedfs"])

    def temporary_files(self) -> set[Hit]:
        """The processes' temporary folder."""
        return self.searcher.in_files([self.story.vault.temporary])

    def rows(self) -> set[Hit]:
        """Every row of every table, read out: what the files hold compressed is open here."""
        found: set[Hit] = set()
        with connect(self.story.vault.engines.owner_database_url) as db:
            tables = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                query = sql.SQL("SELECT each::text FROM {} each").format(sql.Identifier(table))
                for (row,) in db.execute(query):
                    found |= self.searcher.hits(row.encode(), table)
        return found

    def objects(self) -> set[Hit]:
        """Every object of every bucket, with its name and metadata, as the store gives it out."""
        store, found = _store(self.story), set[Hit]()
        for bucket in store.list_buckets():
            for each in store.list_objects(bucket.name, recursive=True):
                assert each.object_name is not None
                place = f"bucket {bucket.name}"
                answer = store.get_object(bucket.name, each.object_name)
                head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
                content = answer.read()
                answer.close()
                answer.release_conn()
                found |= self.searcher.hits(f"{each.object_name}\n{head}".encode(), place)
                found |= self.searcher.hits(content, place)
        return found

    def filled_buckets(self) -> set[str]:
        """The buckets in which anything is."""
        store = _store(self.story)
        return {
            bucket.name
            for bucket in store.list_buckets()
            if next(iter(store.list_objects(bucket.name, recursive=True)), None) is not None
        }

    def processes(self) -> set[Hit]:
        """Command lines and environments of every process that can be looked at, this one left out."""
        found: set[Hit] = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and entry.name != str(os.getpid()):
                for name in ("cmdline", "environ"):
                    try:
                        found |= self.searcher.hits((entry / name).read_bytes(), name)
                    except OSError:
                        continue  # ended, or another user's
        return found


@contextmanager
def gathered(story: Story) -> Iterator[Evidence]:
    """Everything is tried, and what is left is looked for, while the block runs."""
    marks, vault = story.marks, story.vault
    story.begin()
    custodians(story)
    clerk(story)
    operator(story)
    for way in STORY:
        call = everywhere(way(story), marks)
        answer = story.send(call)
        assert answer.status_code < httpx.codes.BAD_REQUEST, f"{call.route}: {answer.text}"
    renew(story)
    eventually(lambda: story.receiver.received, "a delivery")
    for attempt in (unknown_callers, placed, bodies, refusals, ungranted, limited):
        renew(story)
        attempt(story)
    renew(story)
    with nothing_can_be_written(vault.engines.owner_database_url):
        everything(story, "nothing can be written")
    renew(story)
    with nothing_can_be_found(vault.engines.owner_database_url):
        everything(story, "tables are away")
    renew(story)
    vault.store.cut()
    everything(story, "the store is away")
    vault.store.mend()
    vault.database.cut()
    everything(story, "the database is away", hands=HANDS)
    vault.database.mend()
    eventually(lambda: httpx.get(f"{vault.base_url}/readyz", trust_env=False).is_success, "readiness")
    metrics = httpx.get(f"{vault.base_url}/metrics", trust_env=False).content
    planted = Marks()
    texts = planted_texts(planted)
    with _planted(story, list(texts.values())):
        _checkpoint(story)
        leak = "\n".join(texts.values()).encode()
        searcher, exchanges = Searcher(marks, planted), story.browser.exchanges
        yield Evidence(
            story,
            searcher,
            metrics + leak,
            Exchange("planted", ("GET", "/planted"), 500, b"", leak),
            [(each, searcher.hits(each.sent, str(each))) for each in exchanges],
            [(each, searcher.hits(each.got, str(each))) for each in exchanges],
        )


def planted_texts(planted: Marks) -> dict[Kind, str]:
    """A text of each kind; of those that the vault hands out, a made-up one."""
    return {
        kind: planted.new(kind)
        if kind in planted.cores
        else planted.adopt(kind, planted.new(Kind.SECRET)[::-1])
        for kind in Kind
    }


def unplanted(hits: AbstractSet[Hit]) -> set[Hit]:
    """What was found beside what was laid there; all of that must have been found."""
    seen = {hit.kind for hit in hits if hit.planted}
    assert seen == set(Kind), f"the search is blind: {set(Kind) - seen}"
    return {hit for hit in hits if not hit.planted}


@contextmanager
def _planted(story: Story, texts: list[str]) -> Iterator[None]:
    """These texts in each place, as somebody careless would have left them there."""
    vault, all_texts = story.vault, "\n".join(texts)
    for folder in (vault.logs, vault.temporary):
        (folder / "planted").write_text(all_texts, encoding="utf-8")
    with connect(vault.engines.owner_database_url, autocommit=True) as db:
        db.execute("CREATE TABLE planted (said text, told jsonb, kept bytea)")
        row = (all_texts, Jsonb(texts), all_texts.encode())
        db.execute("INSERT INTO planted VALUES (%s, %s, %s)", row)
        db.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at)"
            " VALUES ('planted', 'planted', %s, now() + interval '1 day')",
            (Jsonb({"said": texts}),),
        )
    store = _store(story)
    store.make_bucket(PLANTED_BUCKET)
    page = "\n\n".join(text.replace("-", "\\-") for text in texts)
    pdf: bytes = typst.compile(page.encode(), font_paths=typesetting_fonts())
    store.put_object(PLANTED_BUCKET, "page.pdf", io.BytesIO(pdf), len(pdf), content_type="application/pdf")
    waiting = [sys.executable, "-c", "import sys; sys.stdin.read()", *texts]
    child = subprocess.Popen(waiting, stdin=subprocess.PIPE, env={"PLANTED": all_texts})
    try:
        yield
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


def _store(story: Story) -> Minio:
    engines = story.vault.engines
    endpoint = engines.s3_endpoint.removeprefix("http://")
    return Minio(endpoint, access_key=engines.s3_access_key, secret_key=engines.s3_secret_key, secure=False)


def _checkpoint(story: Story) -> None:
    """What PostgreSQL still has in memory goes to its files."""
    vault = story.vault
    password = (vault.data / "secrets" / "postgres-superuser").read_text(encoding="utf-8")
    with connect(vault.engines.owner_database_url, user=SUPERUSER, password=password, autocommit=True) as db:
        db.execute("CHECKPOINT")
