"""A walk through all sealed PDFs: gives each its term that has none, and reckons those that rest anew.

It goes on where it was, whoever takes the next batch; another policy sends it back to the beginning.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text, update

from storage.db import ReadConnection, WriteConnection
from storage.tables import seal_term_walk
from vault.model.certificate import SealLevel

# A file from before revision 0017 is no outage: nothing promised it a time-stamp.
_ADD = text(
    """
    INSERT INTO seal_terms (certificate_id, format, level, number, state, due_at, tries)
    SELECT d.certificate_id, d.format, d.level, 0, 'waiting', CAST(:at AS timestamptz), 0
    FROM documents d
    WHERE d.certificate_id > CAST(:after AS uuid) AND d.certificate_id <= CAST(:through AS uuid)
        AND d.format = 'pdf'
    ON CONFLICT DO NOTHING
    """
)
# What rests at too low a level waits from now on; what rests is looked at so long before anything behind it
# ends. That is the earliest that it can be due: the worker opens the file and says when it is
# (`vault.raising.flow._rests`), of what waits at a lowered target, too.
_RECKON = text(
    """
    WITH lives AS (
        SELECT * FROM unnest(CAST(:names AS text[]), CAST(:ends AS timestamptz[])) AS l (name, ends)
    ), reckoned AS (
        SELECT t.certificate_id, t.format, t.level = ANY (CAST(:lower AS text[])) AS low,
            least(t.lasts_until, (
                SELECT min(coalesce(l.ends, '-infinity'))
                FROM unnest(t.algorithms) AS a (name) LEFT JOIN lives l ON l.name = a.name
            )) AS ends
        FROM seal_terms t
        WHERE t.certificate_id > CAST(:after AS uuid) AND t.certificate_id <= CAST(:through AS uuid)
            AND t.state = 'resting'
    )
    UPDATE seal_terms t
    SET state = CASE WHEN r.low THEN 'waiting' ELSE 'resting' END,
        due_at = CASE WHEN r.low OR isfinite(r.ends) IS NOT TRUE THEN CAST(:at AS timestamptz)
            ELSE r.ends - CAST(:margin AS interval) END
    FROM reckoned r
    WHERE t.certificate_id = r.certificate_id AND t.format = r.format AND t.state = 'resting'
    """
)
_PAGE = text(
    """
    SELECT certificate_id FROM (
        SELECT certificate_id FROM documents WHERE certificate_id > CAST(:after AS uuid)
        ORDER BY certificate_id LIMIT :rows
    ) page ORDER BY certificate_id DESC LIMIT 1
    """
)
_NOTHING = "00000000-0000-0000-0000-000000000000"


def is_walked(db: ReadConnection, plan: str) -> bool:
    """Whether every file has its term, reckoned with this plan."""
    query = select(seal_term_walk.c.done, seal_term_walk.c.plan)
    done, with_plan = db.execute(query).one()
    return bool(done) and with_plan == plan


def walk_on(
    db: WriteConnection,
    *,
    plan: str,
    lower: Sequence[SealLevel],
    lifetimes: Mapping[str, datetime],
    margin: timedelta,
    grace: timedelta,
    at: datetime,
    rows: int,
) -> bool:
    """The next batch of so many files; whether there may be more. Another worker's batch is waited for.

    `plan`: what the policy comes to, as text: another one than before begins anew. `lower`: levels below the
    target. `grace`: what the trigger on `documents` goes by from now on.
    """
    state = db.execute(select(seal_term_walk).with_for_update()).one()
    after = state.walked_through if state.plan == plan else None
    if state.done and state.plan == plan:
        return False
    start = _NOTHING if after is None else str(after)
    through = db.execute(_PAGE, {"after": start, "rows": rows}).scalar_one_or_none()
    if through is not None:
        page = {"after": start, "through": str(through), "at": at}
        db.execute(_ADD, page)
        names = list(lifetimes)
        db.execute(
            _RECKON,
            {
                **page,
                "names": names,
                "ends": [lifetimes[name] for name in names],
                "lower": [level.value for level in lower],
                "margin": margin,
            },
        )
    db.execute(
        update(seal_term_walk).values(
            walked_through=through or after, done=through is None, plan=plan, grace=grace
        )
    )
    return through is not None
