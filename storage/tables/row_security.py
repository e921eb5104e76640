"""Whose each row is: which rows of a table a transaction sees, adds, changes and removes (row security).

Expressions over a row and over what the transaction has said (`vault.model.scope`), read by functions of
revision 0014 (`scope_client()` and so on). What was not said is null, null is no row: who forgets to say on
whose behalf sees nothing. `scope_is_vault()` comes before each of them.

Policies that ask another table are bound by that table's own, so they may not go round in circles (those on
adding a row count, too): a certificate asks for its holders, what hangs on a certificate asks for the
certificate; functions of revision 0014 tell whose something is, and whether a case has to do with what the
transaction is about. The cheap comparisons stand first, a subquery behind the question whether this is about
holders at all.

A new table stands either here or in `OPEN_TABLES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowRule:
    """SQL conditions on a row, over and above `scope_is_vault()`; None for nobody but the vault.

    `change`: on the row as it would be. Rows that may be seen may be locked; who may only see them cannot
    write them back.
    """

    see: str | None = None
    add: str | None = None
    change: str | None = None
    remove: str | None = None


# Those of the holders named whom the vault knew when the transaction began; a deposit also adds new ones.
_OF_HOLDERS = "holder_id = ANY (scope_holder_ids())"
_OF_OLD_OR_NEW_HOLDERS = (
    "holder_id = ANY (ARRAY(SELECT p.id FROM holders p WHERE p.code_index = ANY (scope_holders())))"
)
_MINE = "client_id = scope_client()"
_MY_CASE = "(scope_client() IS NOT NULL AND client_of_case(case_id) = scope_client())"
_MY_RESERVATION = "(scope_client() IS NOT NULL AND client_of_reservation(certificate_id) = scope_client())"
_MY_MATERIAL = "(scope_client() IS NOT NULL AND client_of_material(material_id) = scope_client())"
_I_MADE = "(client_id = scope_client() OR person_id = scope_person())"
_MY_USE = "(scope_actor() IS NOT NULL AND maker_of_use(use_id) = scope_actor())"
_NAMED_CERTIFICATE = "certificate_id = ANY (scope_named())"
_OF_CERTIFICATE = "EXISTS (SELECT FROM certificates c WHERE c.id = certificate_id)"
_OF_MATERIAL = "EXISTS (SELECT FROM materials m WHERE m.id = material_id)"
_OF_USE = "EXISTS (SELECT FROM uses u WHERE u.id = use_id)"
_OF_GRANT = "EXISTS (SELECT FROM seal_grants g WHERE g.id = grant_id)"
_OF_WEBHOOK = "EXISTS (SELECT FROM webhooks w WHERE w.id = webhook_id)"
_OF_MY_AUTHORITY = (
    "EXISTS (SELECT FROM certificates c WHERE c.id = certificate_id"
    " AND c.issuing_authority = ANY (scope_authorities()))"
)
_USE_OF_HOLDERS = (
    "(scope_holder_ids() IS NOT NULL AND EXISTS (SELECT FROM use_holders h"
    " WHERE h.use_id = uses.id AND h.holder_id = ANY (scope_holder_ids())))"
)
# Pages of the feed have many rows: what is said is read once for all of them.
_AUDIENCE = (
    "(audience = ANY ((SELECT scope_authorities())::text[])"
    " OR audience = 'client:' || (SELECT scope_client()))"
)
# Of disputes there is hardly ever a row to look at.
_DECIDES = "(audience = ANY (scope_authorities()) OR audience = 'client:' || scope_client())"
_DISPUTES_OR_DECIDES = (
    "EXISTS (SELECT FROM disputes d WHERE d.id = dispute_id AND (d.holder_id = ANY (scope_holder_ids())"
    " OR d.audience = ANY (scope_authorities()) OR d.audience = 'client:' || scope_client()))"
)
_OF_CONSENT = "EXISTS (SELECT FROM consents c WHERE c.id = consent_id)"
_OF_DELEGATION = "EXISTS (SELECT FROM delegations d WHERE d.id = delegation_id)"
_OF_PRESENTATION = "EXISTS (SELECT FROM presentations p WHERE p.id = presentation_id)"
# Clients are behind no policy.
_TO_MY_ORGANISATION = (
    "organisation = (SELECT mine.organisation FROM clients mine WHERE mine.id = scope_client())"
)
_DELEGATE = "delegate_index = ANY (scope_holders())"
_EVERYBODY = "about = '00000000-0000-0000-0000-000000000000'"
# Custodians sign in; a system that deposits grants itself nothing.
_SOMEBODY = "scope_person() IS NOT NULL"


def _held_by_them(table: str, what: str, thing: str) -> str:
    """Whether one of the holders named has this thing; asked only where holders are named."""
    return (
        f"(scope_holder_ids() IS NOT NULL AND EXISTS (SELECT FROM {table} h"
        f" WHERE h.{what} = {thing} AND h.holder_id = ANY (scope_holder_ids())))"
    )


def _any(*conditions: str) -> str:
    return " OR ".join(conditions)


ROW_RULES: Mapping[str, RowRule] = {
    # Those who are named, and those whose keys open what is seen.
    "holders": RowRule(
        see=_any(
            "code_index = ANY (scope_holders())", "id = ANY (scope_holder_ids())", "holder_is_shown(id)"
        ),
        add="code_index = ANY (scope_holders())",
    ),
    # Whoever sees something that a case brings or has reserved.
    "cases": RowRule(
        see=_any(_MINE, "applicant_index = ANY (scope_holders())", "case_is_shown(id)"),
        add=_MINE,
        change=_MINE,
        remove=_MINE,
    ),
    "case_holders": RowRule(see=_MY_CASE, add=_MY_CASE),
    # Whoever issues a next version has to know the numbers of all versions, whoever reserved them.
    "reservations": RowRule(
        see=_any(
            _MY_CASE,
            "(scope_holders() IS NOT NULL AND EXISTS (SELECT FROM reserved_holders h"
            " WHERE h.certificate_id = reservations.certificate_id"
            " AND h.code_index = ANY (scope_holders())))",
            "(scope_holders() IS NOT NULL AND applicant_of_case(case_id) = ANY (scope_holders()))",
            "split_part(lineage, '.', 2) = ANY (scope_authorities())",
        ),
        add=_MY_CASE,
        change=_MY_CASE,
        remove=_MY_CASE,
    ),
    "reserved_holders": RowRule(
        see=_any(
            "code_index = ANY (scope_holders())",
            _MY_RESERVATION,
            # Whether anybody is named decides whether a reserved result is the applicant's.
            "(scope_holders() IS NOT NULL"
            " AND applicant_of_reservation(certificate_id) = ANY (scope_holders()))",
        ),
        add=_MY_RESERVATION,
        remove=_MY_RESERVATION,
    ),
    "certificates": RowRule(
        see=_any(
            "id = ANY (scope_named())",
            _held_by_them("certificate_holders", "certificate_id", "certificates.id"),
            "issuing_authority = ANY (scope_authorities())",
            _MY_CASE,
        ),
        add=f"{_MY_CASE} AND issuing_authority = ANY (scope_authorities())",
        change="issuing_authority = ANY (scope_authorities())",
    ),
    "certificate_holders": RowRule(
        see=_any(_OF_HOLDERS, _NAMED_CERTIFICATE, "certificate_is_shown(certificate_id)"),
        add=f"{_MY_RESERVATION} AND {_OF_OLD_OR_NEW_HOLDERS}",
    ),
    "documents": RowRule(
        see=_any("sha256 = ANY (scope_shown())", _NAMED_CERTIFICATE, _OF_CERTIFICATE),
        add=_MY_RESERVATION,
    ),
    # Raised by the vault alone, and seen as what they were raised from.
    "renditions": RowRule(see=_any("sha256 = ANY (scope_shown())", _NAMED_CERTIFICATE, _OF_CERTIFICATE)),
    # Written by a trigger, which is the vault (revision 0017).
    "seal_terms": RowRule(),
    "status_events": RowRule(see=_any(_NAMED_CERTIFICATE, _OF_CERTIFICATE), add=_OF_MY_AUTHORITY),
    "changes": RowRule(see=_AUDIENCE, add=_any(_AUDIENCE, "material_id = ANY (scope_named())")),
    "materials": RowRule(
        see=_any(
            "id = ANY (scope_named())",
            _held_by_them("material_holders", "material_id", "materials.id"),
            _MY_CASE,
        ),
        add=_MY_CASE,
        change=_any("id = ANY (scope_named())", _MY_CASE),
    ),
    "material_holders": RowRule(
        see=_any(_OF_HOLDERS, "material_id = ANY (scope_named())", "material_is_shown(material_id)"),
        add=f"{_MY_MATERIAL} AND {_OF_OLD_OR_NEW_HOLDERS}",
    ),
    "material_events": RowRule(see=_OF_MATERIAL, add=_OF_MATERIAL),
    "import_runs": RowRule(see=_MINE, add=_MINE, change=_MINE),
    # Rows are imported by the vault; whoever asked for it sees what became of them.
    "import_chunks": RowRule(see="EXISTS (SELECT FROM import_runs r WHERE r.id = run_id)"),
    "upload_keys": RowRule(see="id = scope_client()", add="id = scope_client()"),
    "uses": RowRule(
        see=_any(
            _I_MADE,
            "id = ANY (scope_named())",
            _USE_OF_HOLDERS,
            "EXISTS (SELECT FROM use_codes k WHERE k.use_id = uses.id"
            " AND (k.code_hash = ANY (scope_shown()) OR k.redeemed_by = scope_client()))",
        ),
        add=_I_MADE,
        change=_any(_I_MADE, _USE_OF_HOLDERS),
    ),
    "use_footings": RowRule(see=_OF_USE, add=_MY_USE),
    "use_holders": RowRule(
        see=_any(_OF_HOLDERS, "use_id = ANY (scope_named())", "use_is_shown(use_id)"), add=_MY_USE
    ),
    "use_codes": RowRule(
        see=_any(
            "code_hash = ANY (scope_shown())",
            "redeemed_by = scope_client()",
            _held_by_them("use_holders", "use_id", "use_codes.use_id"),
        ),
        add=_MY_USE,
        change="redeemed_by = scope_client()",
    ),
    "use_copies": RowRule(see=_any("sha256 = ANY (scope_shown())", _OF_USE), add=_MY_USE),
    "use_events": RowRule(see=_OF_USE, add=_OF_USE),
    "webhooks": RowRule(see=_MINE, add=_MINE, change=_MINE, remove=_MINE),
    "webhook_secrets": RowRule(see=_OF_WEBHOOK, add=_OF_WEBHOOK, change=_OF_WEBHOOK, remove=_OF_WEBHOOK),
    "webhook_deliveries": RowRule(see=_OF_WEBHOOK, add=_OF_WEBHOOK, change=_OF_WEBHOOK, remove=_OF_WEBHOOK),
    # --- the holder's history, and disputes -------------------------------------------------------
    # Written by a trigger, which is the vault (revision 0014).
    "audit_subjects": RowRule(
        see=_any(
            "about = ANY (scope_holder_ids())",
            _EVERYBODY,
            _held_by_them("certificate_holders", "certificate_id", "about"),
            _held_by_them("material_holders", "material_id", "about"),
        )
    ),
    # Whoever could not see an order would be shown what it keeps back.
    "deferral_orders": RowRule(see="scope_holders() IS NOT NULL"),
    "verification_days": RowRule(see=_any(_NAMED_CERTIFICATE, "certificate_is_shown(certificate_id)")),
    "verification_batches": RowRule(),
    # That a certificate is under dispute is told to whoever sees it.
    "disputes": RowRule(
        see=_any(_OF_HOLDERS, _DECIDES, "(state = 'accepted' AND certificate_is_shown(certificate_id))"),
        add=_OF_HOLDERS,
        change=_DECIDES,
    ),
    "dispute_events": RowRule(see=_DISPUTES_OR_DECIDES, add=_DISPUTES_OR_DECIDES),
    "hold_events": RowRule(),
    # --- what holders grant -----------------------------------------------------------------------
    "consents": RowRule(
        see=_any(_OF_HOLDERS, _TO_MY_ORGANISATION),
        add=_OF_HOLDERS,
        change=_any(_OF_HOLDERS, _TO_MY_ORGANISATION),
    ),
    "consent_events": RowRule(see=_OF_CONSENT, add=_OF_CONSENT),
    # Whoever could not see a delegation taken back would be shown what is presented under it.
    "delegations": RowRule(
        see=_any(
            _OF_HOLDERS,
            _DELEGATE,
            "EXISTS (SELECT FROM presentations p WHERE p.delegation_id = delegations.id"
            " AND p.code_hash = ANY (scope_shown()))",
        ),
        add=_OF_HOLDERS,
        change=_any(_OF_HOLDERS, _DELEGATE),
    ),
    "delegation_events": RowRule(see=_OF_DELEGATION, add=_OF_DELEGATION),
    "presentations": RowRule(
        see=_any(_OF_HOLDERS, "code_hash = ANY (scope_shown())"),
        add=_OF_HOLDERS,
        change="code_hash = ANY (scope_shown())",
    ),
    "presentation_events": RowRule(see=_OF_PRESENTATION, add=_OF_PRESENTATION),
    # --- the desk -----------------------------------------------------------------------------------
    "desks": RowRule(see="id = scope_person()", add="id = scope_person()", change="id = scope_person()"),
    # --- seals under control ----------------------------------------------------------------------
    "seal_grants": RowRule(see=_any(_MINE, _SOMEBODY), add=_SOMEBODY),
    "seal_grant_events": RowRule(see=_OF_GRANT, add=_SOMEBODY),
    "seal_events": RowRule(see=_SOMEBODY, add=_SOMEBODY),
    "seal_uses": RowRule(see=_OF_GRANT, add=_OF_GRANT, change=_OF_GRANT),
}

OPEN_TABLES = frozenset(
    {
        # Public, or public in time: the log, what is issued, and by which seal.
        "log_checkpoints",
        "log_cosignatures",
        "log_leaves",
        "log_publications",
        "log_shards",
        "log_tiles",
        "certificate_types",
        "material_types",
        "national_seals",
        "seals",
        "service_items",
        # Who may come in: read before anybody is known, by the hash of a secret.
        "client_keys",
        "client_secrets",
        "clients",
        "people",
        "sign_in_attempts",
        "used_assertions",
        "web_sessions",
        # Insert-only, its words in envelopes. The search by JSON could use no index below a policy: `@>` is
        # not leak-proof.
        "audit_chain",
        "audit_events",
        "audit_heads",
        # Which keys are in use, and what strangers have spent, under an HMAC.
        "key_state",
        "rate_buckets",
        # Counts, and how far a copy or a check has come.
        "avoided_months",
        "avoided_progress",
        "avoided_resubmissions",
        "client_sightings",
        "deposit_tallies",
        "operation_runs",
        "change_backfills",
        "seal_term_walk",
    }
)
"""Without row security, and why."""
