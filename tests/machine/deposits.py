"""What brings certificates and materials: deposits, next versions, and what is sent again."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from tests.machine.desk import Desk, Office, Request, new_case, new_number
from tests.machine.model import ESTATE, HEALTH, LICENCE, PREMISES, Model, Thing
from vault.errors import Conflict

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


class Deposits(RuleBasedStateMachine):
    """Certificates and materials of two companies, and how they come into the vault."""

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
