"""What the vault should say, in plain dictionaries: issue 3 in its own words, nothing of `vault.model`.

A certificate is `{"key", "id", "kind", "holders", "case", "number", "issued_on", "valid_from", "valid_to",
"version", "line", "status", "events", "predecessor", "successor"}`, a material `{"id", "kind", "holders",
"case", "issued_on", "valid_to", "trust"}`; companies are letters, cases and certificates are named by key.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

Thing = dict[str, Any]

LICENCE, ESTATE = "营业执照", "不动产权证书"
PREMISES, HEALTH = "CL0006", "CL0008"

# 食品生产许可, as its catalogue file asks for it. Nothing here ever brings an environmental approval.
ITEM = "990100000131012"
REQUIREMENTS: dict[str, dict[str, Any]] = {
    "licence": {"ways": [LICENCE], "until_decision": False, "days": None},
    "premises": {"ways": [ESTATE, PREMISES], "until_decision": True, "days": None},
    "environment": {"ways": [], "until_decision": True, "days": None},
    "health": {"ways": [HEALTH], "until_decision": False, "days": 365},
}
# Materials: made by the authority, compared with the original; not what was uploaded or only promised.
TRUSTED = "AB"

# What each decision makes of a certificate in force; all but a suspension end it for good.
DECISIONS = {
    "suspend": "suspended",
    "resume": "valid",
    "cancel": "cancelled",
    "withdraw": "withdrawn",
    "revoke": "revoked",
    "abolish": "abolished",
}
LIVING = ("valid", "suspended")
# What ended otherwise before its first day never takes its predecessor's place.
TAKES_OVER = (*LIVING, "superseded")


class Model:
    """Everything that happened in one example."""

    def __init__(self) -> None:
        self.certificates: dict[str, Thing] = {}
        self.materials: list[Thing] = []
        self.cases: dict[str, Thing] = {}
        self.versions: dict[str, int] = {}
        self.uses: dict[str, Thing] = {}

    # ---- what happens --------------------------------------------------------------------------------------

    def may_supersede(self, key: str | None) -> bool:
        """Whether a new version may take this certificate's place."""
        if key is None:
            return True
        return self.certificates[key]["status"] in LIVING and not self._awaits(key)

    def reserve(self, case: str, certificate: Thing) -> None:
        """A case was begun: its identifier is given out, nothing is held yet."""
        old = certificate["predecessor"]
        line = certificate["key"] if old is None else self.certificates[old]["line"]
        self.versions[line] = self.versions.get(line, 0) + 1
        certificate |= {"line": line, "version": self.versions[line], "case": case}
        self.cases[case] = {"committed": False, "certificate": certificate}

    def commit(self, case: str, today: date) -> Thing:
        """The case is deposited: its certificate is held, and what it supersedes counts until it begins."""
        self.cases[case]["committed"] = True
        certificate: Thing = self.cases[case]["certificate"]
        certificate |= {"status": "valid", "successor": None}
        certificate["events"] = [("issue", None, certificate["issued_on"])]
        self.certificates[certificate["key"]] = certificate
        if certificate["predecessor"] is not None:
            old = self.certificates[certificate["predecessor"]]
            old["successor"] = certificate["key"]
            if certificate["valid_from"] <= today:
                old["status"] = "superseded"
                old["events"].append(("supersede", None, today))
        return certificate

    def judge_decision(self, key: str, action: str, reason: str, day: date, today: date) -> str:
        """`recorded`, `repeated`, `conflict` or `too early`."""
        certificate = self.certificates[key]
        decided = [event for event in certificate["events"] if event[0] != "inspect"]
        if (action, reason, day) in decided:
            return "repeated" if decided[-1] == (action, reason, day) else "conflict"
        status = certificate["status"]
        if status not in LIVING or (action == "resume" and status != "suspended"):
            return "conflict"
        if action == "suspend" and status == "suspended":
            return "conflict"
        return "too early" if day < min(decided[-1][2], today) else "recorded"

    def judge_inspection(self, key: str, result: str, day: date, today: date) -> str:
        """As `judge_decision`; the same inspection again is no conflict, whatever came after it."""
        events = self.certificates[key]["events"]
        if ("inspect", result, day) in events:
            return "repeated"
        if self.certificates[key]["status"] not in LIVING:
            return "conflict"
        return "too early" if day < min(events[0][2], today) else "recorded"

    def inspect(self, key: str, result: str, day: date) -> None:
        """An inspection was recorded."""
        self.certificates[key]["events"].append(("inspect", result, day))

    def decide(self, key: str, action: str, reason: str, day: date) -> None:
        """A decision was recorded."""
        certificate = self.certificates[key]
        certificate["status"] = DECISIONS[action]
        certificate["events"].append((action, reason, day))

    def judge_use(self, key: str, case: str, today: date) -> str:
        """`made`, `repeated` or `conflict`: only what is in force is used, and what was revoked stays so."""
        use = self.uses.get(f"{key}, {case}")
        if self.why_not_in_force(key, today) is not None or (use is not None and use["revoked"]):
            return "conflict"
        return "made" if use is None else "repeated"

    def use(self, key: str, case: str, use_id: str) -> Thing:
        """The use of a certificate for a case, new or as it was."""
        fresh = {"id": use_id, "key": key, "codes": [], "redeemed": set(), "revoked": False}
        return self.uses.setdefault(f"{key}, {case}", fresh)

    def opens(self, name: str, today: date) -> bool:
        """Whether a code of this use is good."""
        use = self.uses[name]
        return not use["revoked"] and self.why_not_in_force(use["key"], today) is None

    # ---- what is asked -------------------------------------------------------------------------------------

    def held_by(self, company: str) -> list[Thing]:
        """Every certificate of a company, the newest first."""
        found = [c for c in self.certificates.values() if company in c["holders"]]
        return sorted(found, key=lambda c: str(c["id"]), reverse=True)

    def why_not_in_force(self, key: str, today: date) -> str | None:
        """What a verifier is told; None where it is genuine."""
        certificate = self.certificates[key]
        if certificate["status"] != "valid":
            return str(certificate["status"])
        if today < certificate["valid_from"]:
            return "not_yet_valid"
        return "expired" if _over(certificate, today) else None

    def last_word(self, key: str) -> tuple[str | None, date]:
        """Reason and day of the decision that a certificate's status comes from."""
        *_, (_, reason, day) = (e for e in self.certificates[key]["events"] if e[0] != "inspect")
        return reason, day

    def line(
        self, name: str, applicant: str, others: str, case: str | None, today: date, needed: date
    ) -> dict[str, Any]:
        """How a requirement stands: `state`, what may prove it, and what is wrong with which."""
        rule = REQUIREMENTS[name]
        wrong: dict[str, dict[str, set[str]]] = {}
        best: list[Thing] = []
        for way in rule["ways"]:
            things = self._of_kind(way)
            own = {
                t["id"]: self._against(t, rule, today, needed) for t in things if applicant in t["holders"]
            }
            usable = [t for t in things if own.get(t["id"]) == set()]
            best = best or _longest(usable)
            bad = {i: reasons for i, reasons in own.items() if reasons and not self._followed(i, applicant)}
            foreign = [t for t in things if applicant not in t["holders"] and set(others) & set(t["holders"])]
            wrong[way] = bad | {t["id"]: {"wrong_holder"} for t in foreign}
        if best:
            return {"state": "held", "proofs": {t["id"] for t in best}, "wrong": []}
        ways = [reasons for reasons in wrong.values() if reasons]
        if any(self._coming(way, applicant, case) for way in rule["ways"]):
            return {"state": "pending", "proofs": set(), "wrong": ways}
        return {"state": "held_not_usable" if ways else "not_held", "proofs": set(), "wrong": ways}

    def _of_kind(self, way: str) -> list[Thing]:
        everything = [*self.certificates.values(), *self.materials]
        return [thing for thing in everything if thing["kind"] == way]

    def _coming(self, way: str, applicant: str, case: str | None) -> bool:
        """Whether a case of this applicant that was begun and not committed brings it; not the asker's."""
        return any(
            not begun["committed"]
            and number != case
            and begun["certificate"]["kind"] == way
            and applicant in begun["certificate"]["holders"]
            for number, begun in self.cases.items()
            if "certificate" in begun
        )

    def _awaits(self, key: str) -> bool:
        """Whether a version that begins later will take its place."""
        old = self.certificates[key]
        new = None if old["successor"] is None else self.certificates[old["successor"]]
        return old["status"] != "superseded" and new is not None and new["status"] in TAKES_OVER

    def _followed(self, thing_id: str, applicant: str) -> bool:
        """Whether the applicant has the version that took its place, or will, and so speaks for it."""
        old = next((c for c in self.certificates.values() if c["id"] == thing_id), None)
        if old is None or not (old["status"] == "superseded" or self._awaits(old["key"])):
            return False
        return applicant in self.certificates[old["successor"]]["holders"]

    def _against(self, thing: Thing, rule: dict[str, Any], today: date, needed: date) -> set[str]:
        """Everything that stands against it; empty where it does."""
        status = thing.get("status", "valid")
        if status not in LIVING:
            return {status}
        found = set()
        if status == "suspended":
            found.add("suspended")
        if thing.get("valid_from", today) > today:
            found.add("not_yet_valid")
        if "trust" in thing and thing["trust"] not in TRUSTED:
            found.add("trust_too_low")
        if _over(thing, today):
            found.add("expired")
        elif rule["until_decision"] and _over(thing, needed):
            found.add("runs_out")
        if rule["days"] is not None:
            if thing["issued_on"] is None:
                found.add("undated")
            elif thing["issued_on"] < today - timedelta(days=rule["days"]):
                found.add("too_old")
        return found


def _over(thing: Thing, day: date) -> bool:
    return thing["valid_to"] is not None and thing["valid_to"] < day


def _longest(usable: Iterable[Thing]) -> list[Thing]:
    """What lasts longest; of those that last equally, what was issued last."""
    found = list(usable)
    for end, unless_said in (("valid_to", date.max), ("issued_on", date.min)):
        last = max((t[end] or unless_said for t in found), default=None)
        found = [t for t in found if (t[end] or unless_said) == last]
    return found
