"""Everything that may happen to certificates and materials, in any order, and every question about them."""

import sys
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from tests.machine.deposits import Deposits, companies
from tests.machine.desk import new_case
from tests.machine.model import DECISIONS, REQUIREMENTS
from vault.errors import Conflict, InputError
from vault.model.verdict import Genuine, NotInForce

# Few, so that the same decision comes twice.
reasons = st.sampled_from(["样例：甲号决定", "样例：乙号决定"])
days_ago = st.integers(0, 2)
endings = st.sampled_from(["cancel", "withdraw", "revoke", "abolish"])


class Lives(Deposits):
    """Decisions, uses and questions on top of the deposits."""

    uses: Bundle[str] = Bundle("uses")

    # ---- decisions -----------------------------------------------------------------------------------------

    @rule(key=Deposits.certificates, reason=reasons, ago=days_ago)
    def suspend(self, key: str, reason: str, ago: int) -> None:
        """暂扣."""
        self._decide(key, "suspend", reason, ago)

    @rule(key=Deposits.certificates, reason=reasons, ago=days_ago)
    def resume(self, key: str, reason: str, ago: int) -> None:
        """暂扣发还."""
        self._decide(key, "resume", reason, ago)

    @rule(key=Deposits.certificates, action=endings, reason=reasons, ago=days_ago)
    def end(self, key: str, action: str, reason: str, ago: int) -> None:
        """注销、撤销、吊销、签发错误."""
        self._decide(key, action, reason, ago)

    @rule(key=Deposits.certificates, which=st.integers(0, 3))
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

    @rule(key=Deposits.certificates, result=st.sampled_from(["passed", "failed"]), ago=days_ago)
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

    # ---- uses --------------------------------------------------------------------------------------------

    @rule(target=uses, key=Deposits.certificates, case=st.sampled_from(["first", "second"]))
    def use(self, key: str, case: str) -> Any:  # noqa: ANN401 - as in `Deposits`
        """A case uses what is in force: once, with a fresh code each time it asks."""
        expected = self.model.judge_use(key, case, self.desk.today)
        certificate = self.model.certificates[key]
        if expected == "conflict":
            with pytest.raises(Conflict):
                self.desk.use(certificate, case)
            return multiple()
        made = self.desk.use(certificate, case)
        assert made.repeated == (expected == "repeated")
        use = self.model.use(key, case, str(made.use.use_id))
        assert use["id"] == str(made.use.use_id)
        use["codes"].append(made.code)
        return f"{key}, {case}"

    @rule(name=uses, which=st.integers(0, 3))
    def redeem(self, name: str, which: int) -> None:
        """A code opens what is in force while its use stands."""
        self._redeem(name, which)

    def _redeem(self, name: str, which: int) -> None:
        use = self.model.uses[name]
        code = use["codes"][which % len(use["codes"])]
        if self.model.opens(name, self.desk.today):
            done = self.desk.redeem(code)
            assert str(done.use.use_id) == use["id"]
            assert done.repeated == (code in use["redeemed"])
            use["redeemed"].add(code)
        else:
            with pytest.raises(Conflict):
                self.desk.redeem(code)

    @rule(name=uses)
    def revoke_use(self, name: str) -> None:
        """Who made a use ends it, once."""
        use = self.model.uses[name]
        use["revoked"] = True
        assert self.desk.revoke(use).revoked_at is not None

    # ---- questions -----------------------------------------------------------------------------------------

    @rule(applicant=companies, others=st.sampled_from(["", "other"]), needed_in=st.sampled_from([0, 60]))
    def check(self, applicant: str, others: str, needed_in: int) -> None:
        """What a clerk is told before anything is handed in."""
        other = {"A": "B", "B": "A"}[applicant] if others else ""
        self._check(applicant, other, new_case(), needed_in)

    @rule(case=Deposits.begun)
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

    @rule(key=Deposits.certificates)
    def verify(self, key: str) -> None:
        """Anybody is told whether it is in force; if not, why, since when and what took its place."""
        certificate = self.model.certificates[key]
        verdict = self.desk.verify(certificate).verdict
        assert isinstance(verdict, Genuine | NotInForce)
        assert verdict.certificate is not None
        why = self.model.why_not_in_force(key, self.desk.today)
        if why is None:
            assert isinstance(verdict, Genuine)
            return
        assert isinstance(verdict, NotInForce)
        assert verdict.reason == why
        told = tuple(
            verdict.certificate[name] for name in ("status_reason", "status_effective_on", "successor")
        )
        if certificate["status"] == "valid":
            assert told == (None, None, None)
        else:
            reason, day = self.model.last_word(key)
            successor = certificate["successor"]
            identifier = None if successor is None else self.model.certificates[successor]["identifier"]
            assert told == (reason, day.isoformat(), identifier)

    @rule(key=Deposits.certificates)
    def read_history(self, key: str) -> None:
        """Every event, in order, and nothing else."""
        certificate = self.model.certificates[key]
        events = self.desk.history(certificate)
        told = [(e.action.value, e.result or e.reason, e.effective_on) for e in events]
        assert told == certificate["events"]

    def teardown(self) -> None:
        """At the end, one more check, every use's code once more, and which cases may close."""
        if sys.exc_info()[0] is not None:
            return  # a step has failed: that is what has to be told, and made small
        self._check("A", "", new_case(), 0)
        for name in self.model.uses:
            self._redeem(name, 0)
        for number, case in self.model.cases.items():
            missing = self.desk.missing(number)
            if case["committed"]:
                assert missing == ()
            else:
                assert len(missing) == 1
                assert "reserved, not issued yet" in missing[0]


def _id(found: dict[str, Any]) -> str:
    return str(found.get("certificate_id") or found["material_id"])
