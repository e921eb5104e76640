"""Two thousand lives of certificates against the plain model: any events, in any order."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from api.wiring import reader_of
from tests.conftest import House
from tests.machine.desk import Desk, Office, Request, new_case, new_number
from tests.machine.model import DECISIONS, ESTATE, HEALTH, LICENCE, PREMISES, REQUIREMENTS, Model, Thing
from vault.errors import Conflict, InputError
from vault.model.verdict import Genuine, NotInForce

pytestmark = pytest.mark.engines

# Issue 3 asks for 2,000; in shards, so that several processes may share them and each ends well in time.
EXAMPLES, SHARDS = 2_000, 10
# Most of what can go wrong takes three or four steps; a deposit costs ten times what a question costs.
STEPS_MAX = 6

# Days from today: issued, valid from, valid to.
TERMS = {
    "without end": (-30, -30, None),
    "for years": (-400, -400, 3000),
    "for a month": (-20, -20, 30),
    "run out": (-60, -60, -1),
    "from next week": (-1, 7, 400),
}
terms = st.sampled_from(sorted(TERMS))
kinds = st.sampled_from([LICENCE, ESTATE])
companies = st.sampled_from("AB")
owners = st.sampled_from(["A", "B", "AB"])
# Few, so that the same decision comes twice.
reasons = st.sampled_from(["样例：甲号决定", "样例：乙号决定"])
days_ago = st.integers(0, 2)
endings = st.sampled_from(["cancel", "withdraw", "revoke", "abolish"])


class Lives(RuleBasedStateMachine):
    """Certificates and materials of two companies: everything that may happen to them, in any order."""

    certificates: Bundle[str] = Bundle("certificates")
    begun: Bundle[str] = Bundle("begun")
    materials: Bundle[int] = Bundle("materials")

    office: Office

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.office)
        self.model = Model()
        self.requests: dict[str, Request] = {}

    # ---- deposits ------------------------------------------------------------------------------------------

    @initialize(target=certificates, kind=kinds, holders=owners, term=terms)
    def deposit_first(self, kind: str, holders: str, term: str) -> str:
        """Somebody holds something from the beginning on."""
        return self._deposited_new(kind, holders, term)

    @rule(target=certificates, kind=kinds, holders=owners, term=terms)
    def deposit(self, kind: str, holders: str, term: str) -> str:
        """A case brings a certificate."""
        return self._deposited_new(kind, holders, term)

    @rule(target=certificates, old=certificates, holders=owners, term=terms)
    def supersede(self, old: str, holders: str, term: str) -> Any:  # noqa: ANN401 - Hypothesis has no type for it
        """A case brings the next version of a certificate, or is refused and leaves nothing."""
        case, certificate = self._prepared(self.model.certificates[old]["kind"], holders, term, old)
        if self.model.may_supersede(old):
            self.model.reserve(case, certificate)
            return self._deposited(case)
        with pytest.raises(Conflict):
            self.desk.deposit(self.requests[case])
        assert self.desk.missing(case) == ("no deposit received",)
        return multiple()

    @rule(target=begun, near=certificates, next_version=st.booleans(), holders=owners, term=terms)
    def begin(self, near: str, next_version: bool, holders: str, term: str) -> Any:  # noqa: ANN401, FBT001 - as above; drawn by name
        """A deposit ends after its reservation, as by a crash: of the next version, or of one more."""
        if next_version and not self.model.may_supersede(near):
            return multiple()
        kind = self.model.certificates[near]["kind"]
        case, certificate = self._prepared(kind, holders, term, near if next_version else None)
        begun = self.desk.begin(self.requests[case])
        self.model.reserve(case, certificate)
        assert [r.version for r in begun.reservations] == [certificate["version"]]
        return case

    @rule(target=certificates, case=consumes(begun))
    def complete(self, case: str) -> Any:  # noqa: ANN401 - as above
        """What was begun is sent again; meanwhile what it supersedes may have ended."""
        if self.model.may_supersede(self.model.cases[case]["certificate"]["predecessor"]):
            return self._deposited(case)
        with pytest.raises(Conflict):
            self.desk.deposit(self.requests[case])
        return multiple()

    @rule(key=certificates, changed=st.booleans())
    def send_again(self, key: str, changed: bool) -> None:  # noqa: FBT001 - drawn by name
        """The same case has the same receipt, whatever became of it; with other contents it has none."""
        certificate = self.model.certificates[key]
        request = self.requests[certificate["case"]]
        if changed:
            (result,) = request["results"]
            with pytest.raises(Conflict):
                self.desk.deposit(request | {"results": [result | {"number": new_number()}]})
            return
        answered = self.desk.deposit(request)
        (found,) = answered.certificates
        assert answered.repeated
        assert (str(found.certificate_id), found.status) == (certificate["id"], certificate["status"])

    @rule(
        target=materials,
        kind=st.sampled_from([PREMISES, HEALTH]),
        holders=companies,
        issued=st.sampled_from([None, -10, -400]),
        ends=st.sampled_from([None, -1, 30]),
        trust=st.sampled_from("ABCD"),
    )
    def hand_in(self, kind: str, holders: str, issued: int | None, ends: int | None, trust: str) -> int:
        """A case brings a material."""
        material = {"kind": kind, "holders": holders, "trust": trust}
        material |= {"issued_on": self._day(issued), "valid_to": self._day(ends)}
        request = self.desk.material_case(material)
        assert not self.desk.deposit(request).repeated
        (newest, *_) = self.desk.holdings(holders).materials
        self.model.materials.append(material | {"id": str(newest.material_id)})
        return len(self.model.materials) - 1

    @rule(place=materials)
    def compare_with_the_original(self, place: int) -> None:
        """A window's look makes level C into B; B stays, A and D are refused."""
        material = self.model.materials[place]
        if material["trust"] in "BC":
            material["trust"] = "B"
            assert self.desk.verify_material(material).trust == "B"
        else:
            with pytest.raises(Conflict):
                self.desk.verify_material(material)

    # ---- decisions -----------------------------------------------------------------------------------------

    @rule(key=certificates, reason=reasons, ago=days_ago)
    def suspend(self, key: str, reason: str, ago: int) -> None:
        """暂扣."""
        self._decide(key, "suspend", reason, ago)

    @rule(key=certificates, reason=reasons, ago=days_ago)
    def resume(self, key: str, reason: str, ago: int) -> None:
        """暂扣发还."""
        self._decide(key, "resume", reason, ago)

    @rule(key=certificates, action=endings, reason=reasons, ago=days_ago)
    def end(self, key: str, action: str, reason: str, ago: int) -> None:
        """注销、撤销、吊销、签发错误."""
        self._decide(key, action, reason, ago)

    @rule(key=certificates, which=st.integers(0, 3))
    def send_a_decision_again(self, key: str, which: int) -> None:
        """A retry, in time or too late."""
        decided = [e for e in self.model.certificates[key]["events"] if e[0] in DECISIONS]
        if decided:
            action, reason, day = decided[which % len(decided)]
            self._decide(key, action, reason, (self.desk.today - day).days)

    def _decide(self, key: str, action: str, reason: str, ago: int) -> None:
        certificate, day = self.model.certificates[key], self.desk.today - timedelta(ago)
        expected = self.model.judge_decision(key, action, reason, day, self.desk.today)
        if expected == "conflict":
            with pytest.raises(Conflict):
                self.desk.decide(certificate, action, reason, day)
        elif expected == "too early":
            with pytest.raises(InputError):
                self.desk.decide(certificate, action, reason, day)
        else:
            if expected == "recorded":
                self.model.decide(key, action, reason, day)
            done = self.desk.decide(certificate, action, reason, day)
            assert done.repeated == (expected == "repeated")
            assert done.event.status == certificate["status"]

    @rule(key=certificates, result=st.sampled_from(["passed", "failed"]), ago=days_ago)
    def inspect(self, key: str, result: str, ago: int) -> None:
        """An annual inspection is dated, changes no status, and is not for what has ended."""
        certificate, day = self.model.certificates[key], self.desk.today - timedelta(ago)
        expected = self.model.judge_inspection(key, result, day, self.desk.today)
        if expected == "conflict":
            with pytest.raises(Conflict):
                self.desk.inspect(certificate, result, day)
        elif expected == "too early":
            with pytest.raises(InputError):
                self.desk.inspect(certificate, result, day)
        else:
            if expected == "recorded":
                self.model.inspect(key, result, day)
            done = self.desk.inspect(certificate, result, day)
            assert done.repeated == (expected == "repeated")
            assert (done.event.result, done.event.effective_on) == (result, day)

    # ---- questions -----------------------------------------------------------------------------------------

    @rule(applicant=companies, others=st.sampled_from(["", "other"]), needed_in=st.sampled_from([0, 60]))
    def check(self, applicant: str, others: str, needed_in: int) -> None:
        """What a clerk is told before anything is handed in."""
        other = {"A": "B", "B": "A"}[applicant] if others else ""
        self._check(applicant, other, new_case(), needed_in)

    @rule(case=begun)
    def check_for_its_own_case(self, case: str) -> None:
        """A case does not wait for what it brings itself."""
        self._check(self.model.cases[case]["certificate"]["holders"][0], "", case, 0)

    def _check(self, applicant: str, others: str, case: str, needed_in: int) -> None:
        needed = self.desk.today + timedelta(needed_in)
        lines = self.desk.check(applicant, others, case, needed)
        assert lines.keys() == REQUIREMENTS.keys()
        for name, line in lines.items():
            expected = self.model.line(name, applicant, others, case, self.desk.today, needed)
            assert line["state"] == expected["state"], (name, line, expected)
            proofs = {_id(proof) for proof in line["satisfied_by"]}
            assert len(proofs) == (expected["state"] == "held"), (name, line)
            assert proofs <= expected["proofs"], (name, line, expected)
            shown = {_id(found): set(found["reasons"]) for found in line["not_usable"]}
            assert len(shown) == len(expected["wrong"]), (name, line, expected)
            for way in expected["wrong"]:
                assert any(item in way.items() for item in shown.items()), (name, line, expected)

    @rule(company=companies)
    def look(self, company: str) -> None:
        """Everything that a holder has, the newest first, each with its status."""
        found = self.desk.holdings(company)
        held = self.model.held_by(company)
        assert [(str(c.certificate_id), c.status) for c in found.certificates] == [
            (c["id"], c["status"]) for c in held
        ]
        kept = {m["id"]: m["trust"] for m in self.model.materials if m["holders"] == company}
        assert {str(m.material_id): m.trust for m in found.materials} == kept

    @rule(key=certificates)
    def verify(self, key: str) -> None:
        """Anybody is told whether it is in force; if not, why, since when and what took its place."""
        certificate = self.model.certificates[key]
        verdict = self.desk.verify(certificate).verdict
        why = self.model.why_not_in_force(key, self.desk.today)
        if why is None:
            assert isinstance(verdict, Genuine)
            return
        assert isinstance(verdict, NotInForce)
        assert verdict.reason == why
        told = tuple(verdict.certificate[f"status_{name}"] for name in ("reason", "effective_on"))
        successor = certificate["successor"]
        if certificate["status"] == "valid":
            assert told == (None, None)
        else:
            reason, day = self.model.last_word(key)
            assert told == (reason, day.isoformat())
        identifier = None if successor is None else self.model.certificates[successor]["identifier"]
        assert verdict.certificate["successor"] == identifier

    @rule(key=certificates)
    def read_history(self, key: str) -> None:
        """Every event, in order, and nothing else."""
        certificate = self.model.certificates[key]
        events = self.desk.history(certificate)
        told = [(e.action.value, e.result or e.reason, e.effective_on) for e in events]
        assert told == certificate["events"]

    # ---- uses: the rule over `POST /v1/uses` belongs here --------------------------------------------------

    def teardown(self) -> None:
        """At the end of all, one more check; and a case may close once its certificate is held."""
        if sys.exc_info()[0] is not None:
            return  # a step has failed: that is what has to be told, and made small
        self._check("A", "", new_case(), 0)
        for number, case in self.model.cases.items():
            missing = self.desk.missing(number)
            if case["committed"]:
                assert missing == ()
            else:
                assert len(missing) == 1
                assert "reserved, not issued yet" in missing[0]

    # ---- how it is done ------------------------------------------------------------------------------------

    def _prepared(self, kind: str, holders: str, term: str, old: str | None) -> tuple[str, Thing]:
        case, key = new_case(), f"certificate {len(self.requests) + 1}"
        # A licence is one company's.
        certificate: Thing = {"key": key, "kind": kind, "holders": holders[0] if kind == LICENCE else holders}
        issued, begins, ends = TERMS[term]
        certificate |= {"issued_on": self._day(issued), "valid_from": self._day(begins)}
        certificate |= {"valid_to": self._day(ends), "number": new_number(), "predecessor": old}
        old_id = None if old is None else self.model.certificates[old]["id"]
        self.requests[case] = self.desk.case_of(certificate, case, old_id)
        return case, certificate

    def _deposited_new(self, kind: str, holders: str, term: str) -> str:
        case, certificate = self._prepared(kind, holders, term, None)
        self.model.reserve(case, certificate)
        return self._deposited(case)

    def _deposited(self, case: str) -> str:
        answered = self.desk.deposit(self.requests[case])
        certificate = self.model.commit(case, self.desk.today)
        (found,) = answered.certificates
        certificate |= {"id": str(found.certificate_id), "identifier": found.identifier}
        certificate["code"] = found.verification_code
        assert not answered.repeated
        assert (found.status, found.version) == ("valid", certificate["version"])
        return str(certificate["key"])

    def _day(self, days: int | None) -> Any:  # noqa: ANN401 - a date, or None for none
        return None if days is None else self.desk.today + timedelta(days)


def _id(found: dict[str, Any]) -> str:
    return str(found.get("certificate_id") or found["material_id"])


@pytest.fixture(scope="module")
def office(house: House) -> Iterator[Office]:
    loop = asyncio.new_event_loop()
    reader = reader_of(house.settings, house.wired.workshop.keys)
    loop.run_until_complete(reader.open())
    yield Office.open(house, reader, loop)
    loop.run_until_complete(reader.close())
    loop.close()


# Longer than Hypothesis takes to make a failing example small.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("_shard", range(SHARDS))
def test_the_vault_does_what_the_model_says(office: Office, _shard: int) -> None:
    run_state_machine_as_test(
        type("Lives", (Lives,), {"office": office}),
        settings=settings(
            max_examples=EXAMPLES // SHARDS,
            stateful_step_count=STEPS_MAX,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            database=None,
            report_multiple_bugs=False,
        ),
    )
