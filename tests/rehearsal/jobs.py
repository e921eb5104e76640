"""What became of every job: a trigger on the queue's table writes it down, since done jobs are deleted."""

import time
from typing import Any

from tests.rehearsal.databases import Server

# The queue gives the jobs of a dead worker out again within a minute and a half.
DONE_TIMEOUT_S = 300.0
POLL_S = 1.0
_WATCH = """
    CREATE TABLE rehearsal_jobs (id bigint, task text, event text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION rehearsal_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            INSERT INTO rehearsal_jobs VALUES (OLD.id, OLD.task_name, 'done');
            RETURN OLD;
        END IF;
        IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
            INSERT INTO rehearsal_jobs VALUES (NEW.id, NEW.task_name, NEW.status::text);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER rehearsal_watch AFTER INSERT OR UPDATE OR DELETE ON procrastinate_jobs
        FOR EACH ROW EXECUTE FUNCTION rehearsal_note();
"""
_TALLY = """
    SELECT task, count(*) FILTER (WHERE given > 0), count(*) FILTER (WHERE done = 1),
        count(*) FILTER (WHERE done > 1), count(*) FILTER (WHERE begun > 1),
        count(*) FILTER (WHERE failed > 0)
    FROM (SELECT id, task, count(*) FILTER (WHERE event = 'todo') AS given,
        count(*) FILTER (WHERE event = 'done') AS done, count(*) FILTER (WHERE event = 'doing') AS begun,
        count(*) FILTER (WHERE event = 'failed') AS failed FROM rehearsal_jobs GROUP BY id, task) AS each
    GROUP BY task ORDER BY task
"""


def watch_jobs(primary: Server) -> None:
    """From here on every job's life is written down."""
    primary.ask(_WATCH)


def finish_jobs(primary: Server) -> float:
    """Makes second looks, which wait ten minutes, due now; the seconds until all jobs are done."""
    began = time.monotonic()
    primary.ask("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'second_look'")
    left = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'second_look' OR status = 'doing'"
    due = "SELECT count(*) FROM seal_terms WHERE due_at <= now()"
    while any(primary.ask(query)[0][0] for query in (left, due)):
        assert time.monotonic() - began < DONE_TIMEOUT_S, "jobs are left over"
        time.sleep(POLL_S)
    return time.monotonic() - began


def tally(primary: Server) -> list[dict[str, Any]]:
    """By task: given, done once, done more than once, begun more than once, failed."""
    names = ("task", "given", "done_once", "done_twice", "begun_again", "failed")
    return [dict(zip(names, row, strict=True)) for row in primary.ask(_TALLY)]
