"""Files as the vault makes them: typeset, sealed and closed by the writer, judged here and by others."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from io import BytesIO

import pytest

from signing.keys import SignatureAlgorithm
from signing.ofd import CertificateFacts, OfdPlace, close_ofd, seal_ofd, typeset_ofd
from signing.ofd_judge import admit_ofd, judge_ofd, read_ofd_claims
from signing.typeset import Typesetter
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import IDENTIFIER, NOW, SIGNATURES, packed, page, usual_seal
from tests.signing.ofd_judge.people import Person, people
from tests.signing.ofd_judge.test_ofd_rules import failed, on_record, passes
from tests.signing.ofd_judge.test_second_opinion import look_at
from tests.signing.typeset.pages import AT, KINDS, example_data
from vault.model.holders import Holder
from vault.model.verdict import Indication, SealReport

KIND = next(iter(KINDS.values()))


@dataclass(frozen=True)
class OpensslKey:
    """A sealing key whose signatures openssl makes."""

    person: Person = field(repr=False)
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3
    chain: tuple[bytes, ...] = ()
    signature_size_max_bytes: int = 72

    @property
    def certificate(self) -> bytes:
        """Its certificate, DER."""
        return self.person.certificate

    def sign(self, message: bytes) -> bytes:
        """A DER value."""
        return self.person.sign(message)


@cache
def unsealed() -> bytes:
    """A kind's example, typeset."""
    example = KIND.example
    typeset = Typesetter(compilers=1).typeset(KIND.template, example_data(KIND), at=AT)
    facts = CertificateFacts(
        type_name=KIND.name,
        type_code=KIND.code,
        number=example["number"],
        identifier=IDENTIFIER,
        authority_name="样例市行政审批局",
        authority_code=example["issuing_authority"],
        issued_on=date(2026, 1, 5),
        valid_from=date(2026, 1, 5),
        valid_to=None,
        holders=[Holder.parse(h["code_type"], h["code"], h["name"]) for h in example["holders"]],
        fields=example["fields"],
    )
    return typeset_ofd(typeset.content, facts=facts, qr=None, at=AT)


@cache
def sealed_open() -> bytes:
    """Sealed, not closed."""
    return seal_ofd(
        unsealed(),
        seal=usual_seal(),
        place=OfdPlace(1, 60, 60, 42, 42),
        key=OpensslKey(people().signer),
        closing_key=None,
        at=NOW,
    )


@cache
def issued() -> bytes:
    """Sealed and closed."""
    return close_ofd(sealed_open(), key=OpensslKey(people().platform), at=NOW)


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def judged(files: Mapping[str, bytes] | bytes) -> tuple[SealReport, ...]:
    content = files if isinstance(files, bytes) else packed(files)
    return judge_ofd(content, trust=attacks.listed(), at=NOW)


def test_what_the_vault_makes_passes_every_rule() -> None:
    reports = judge_ofd(issued(), trust=attacks.listed(), at=NOW, ours=True)
    assert passes(reports), reports
    assert [report.authority for report in reports] == [attacks.AUTHORITY, attacks.PLATFORM]
    assert passes(judged(sealed_open()))
    admitted = admit_ofd(issued())
    assert (admitted.existing_signatures, admitted.closed) == (2, True)
    assert admit_ofd(unsealed()).existing_signatures == 0
    assert read_ofd_claims(issued()).identifiers[0] == IDENTIFIER


def test_every_digest_and_value_of_the_vaults_holds_for_others() -> None:
    names = set(files_of(issued()))
    counts = list(look_at(issued()).values())
    # the second covers all but its own two files; the first has neither those nor its own, nor the list
    assert counts == [len(names) - 5, len(names) - 2]


@pytest.mark.parametrize("name", sorted(files_of(issued())))
def test_no_file_of_it_can_be_changed_or_taken_away(name: str) -> None:
    files = files_of(issued())
    content = files[name]
    longer = content.replace(b"</", b" </", 1) if name.endswith(".xml") else content + b"x"
    without = {each: body for each, body in files.items() if each != name}
    for attacked in ({**files, name: longer}, without):
        reports = judged(attacked)
        assert reports
        assert not passes(reports)


ADDED = {
    "page": "Doc_0/Pages/Page_9/Content.xml",
    "resource": "Doc_0/Res/more.png",
    "attachment": "Doc_0/Attachs/more.bin",
    "annotation": "Doc_0/Annots/Annotations.xml",
    "at the root": "README.txt",
    "beside the seal": "Doc_0/Signs/Sign_0/more.dat",
    "a signature that is not listed": "Doc_0/Signs/Sign_9/Signature.xml",
}


@pytest.mark.parametrize("what", ADDED)
def test_nothing_can_be_added_to_it(what: str) -> None:
    reports = judged({**files_of(issued()), ADDED[what]: page("多")})
    assert failed(reports) == {"coverage"}
    assert reports[-1].indication is Indication.TOTAL_FAILED


def test_the_lock_taken_away_is_told_by_the_record_alone() -> None:
    recorded = on_record(judged(issued()))
    reports = judge_ofd(sealed_open(), trust=attacks.listed(), at=NOW, recorded=recorded)
    assert failed(reports) == {"recorded_signatures"}


def test_a_seal_is_not_carried_to_another_document() -> None:
    """All of a signature's files from one certificate in another one."""
    other = close_ofd(unsealed(), key=OpensslKey(people().platform), at=NOW + timedelta(seconds=1))
    folder = next(name for name in files_of(other) if name.endswith("SignedValue.dat")).rpartition("/")[0]
    into, of = files_of(issued()), files_of(other)
    own = {name: body for name, body in of.items() if name.startswith(f"{folder}/")}
    reports = judged({**into, **own, SIGNATURES: of[SIGNATURES]})
    assert not passes(reports)
