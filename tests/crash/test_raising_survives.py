"""The commit point of raising holds: each rendition is there once, and the old file stays."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from storage.blobs import BlobStore
from storage.embedded import EngineAddresses
from storage.s3 import StoreAddress
from tests.conftest import House, behind_a_cutting_wire
from tests.faults import CuttingWire, lying_store
from tests.programs import dying
from tests.requests import example_request
from tests.trials import checked, cutting_after, now
from tests.vaults import own_vault
from vault.deposit import hand_in
from vault.download import document_for_client
from vault.errors import Unavailable
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT
from vault.raising import flow, raise_due, walk
from vault.verify import by_file
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash]

LATER = timedelta(minutes=2)


@pytest.fixture(scope="module")
def own(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with own_vault(engines, tmp_path_factory.mktemp("raising"), "raising_survives") as house:
        walk(house.wired.workshop, at=now(), progress=lambda _: None)
        yield house


@pytest.fixture
def deposited(own: House) -> Iterator[CertificateRecord]:
    """A certificate whose file is the only one that is due."""
    (certificate,) = hand_in(
        own.wired.workshop, own.client, example_request(own.catalogue), at=now()
    ).certificates
    yield certificate
    with own.owner.writing(VAULT) as db:
        db.execute(text("UPDATE seal_terms SET state = 'ended'"))


def _assert_whole(own: House, deposited: CertificateRecord) -> None:
    """One rendition, which begins with the file as deposited; both are genuine; fsck is content."""
    workshop = own.wired.workshop
    old, new = (
        document_for_client(
            workshop, own.client, deposited.certificate_id, DocumentFormat.PDF, at=now(), sha256=sha256
        ).content
        for sha256 in (deposited.documents[0].sha256, None)
    )
    assert new.startswith(old)
    assert len(new) > len(old)
    assert by_file(workshop, old, at=now()).verdict == by_file(workshop, new, at=now()).verdict
    with workshop.database.reading(VAULT) as db:
        count = db.execute(
            text("SELECT count(*) FROM renditions WHERE certificate_id = :id"),
            {"id": deposited.certificate_id},
        ).scalar_one()
    assert count == 1
    assert checked(own).problems == ()


def test_the_store_says_200_but_lost_it(own: House, deposited: CertificateRecord) -> None:
    s3 = own.settings
    with lying_store(str(s3.s3_endpoint).rstrip("/")) as store:
        address = StoreAddress(
            f"http://127.0.0.1:{store.server_port}",
            s3.s3_access_key,
            s3.s3_secret_key.get_secret_value(),
            *(f"{kind}-raising-survives" for kind in ("documents", "intake", "copies", "log")),
        )
        workshop = replace(own.wired.workshop, blobs=BlobStore(address))
        store.lose_puts = 1
        assert raise_due(workshop, at=now()).put_off == 1
        assert len(store.lost) == 1
        assert raise_due(workshop, at=now() + LATER).raised == 1
    _assert_whole(own, deposited)


# Before anything is stored; when the object is there and no row names it; within the transaction.
@pytest.mark.parametrize(
    ("step", "left"), [("raise_pdf", 0), ("prove_object", 1), ("settle", 1), ("insert_leaves", 1)]
)
def test_killed_in_the_middle_and_raised_by_the_next(
    own: House, deposited: CertificateRecord, step: str, left: int
) -> None:
    died = dying("tests.crash.dying_raising", step, "raising_survives", settings=own.settings)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    old = document_for_client(
        own.wired.workshop, own.client, deposited.certificate_id, DocumentFormat.PDF, at=now()
    ).content
    assert hashlib.sha256(old).hexdigest() == deposited.documents[0].sha256
    explained = f"Left by an earlier try of certificate {deposited.certificate_id}."
    assert _left(own, deposited) == [explained] * left
    assert raise_due(own.wired.workshop, at=now()).files == 0  # until the claim of the dead one ends
    assert raise_due(own.wired.workshop, at=now() + flow.LEASE).raised == 1
    _assert_whole(own, deposited)
    assert len(_left(own, deposited)) == left  # what the first try stored is locked, and explained


def _left(own: House, deposited: CertificateRecord) -> list[str]:
    """What fsck says of objects of this certificate's that no row names."""
    found = checked(own)
    assert found.problems == ()
    return [each.detail for each in found.findings if str(deposited.certificate_id) in each.about]


@pytest.mark.parametrize("how", ["before", "after"])
def test_the_commit_point_is_cut_off(own: House, deposited: CertificateRecord, how: str) -> None:
    with _cutting(own) as (workshop, wire_):
        with cutting_after(workshop.blobs, "document_parts", wire_, how):
            raise_due(workshop, at=now())
        assert wire_.cuts == 1
        again = raise_due(workshop, at=now() + LATER)
    assert again.raised == (1 if how == "before" else 0)
    _assert_whole(own, deposited)


@pytest.mark.parametrize("how", ["before", "after"])
def test_the_claim_is_cut_off(own: House, deposited: CertificateRecord, how: str) -> None:
    with _cutting(own) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            raise_due(workshop, at=now())
        assert wire_.cuts == 1
        assert raise_due(workshop, at=now()).raised == (1 if how == "before" else 0)
        raise_due(workshop, at=now() + flow.LEASE)
    _assert_whole(own, deposited)


@contextmanager
def _cutting(own: House) -> Iterator[tuple[Workshop, CuttingWire]]:
    with behind_a_cutting_wire(own) as (workshop, wire_):
        yield replace(workshop, blobs=own.wired.workshop.blobs), wire_
