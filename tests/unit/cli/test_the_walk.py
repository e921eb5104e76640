"""What the demonstration deposits: sound files and numbers, and a walk that notices what is wrong."""

import random
import re
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pikepdf
import pytest

from api.cli.sample_document import plain_pdf
from api.cli.walk import Step, walk
from api.cli.walk.answers import UnexpectedError, expect
from api.cli.walk.cases import REPLY, STORIES, Story, completed_case, new_run, spoiled_case
from api.sample_city import CLIENT_ID, DemoPerson, SampleCity
from signing.intake import admit_pdf
from signing.typeset import SEAL_PLACES
from vault.catalogue import shipped_catalogue
from vault.deposit import read_case
from vault.errors import InputError
from vault.model.actors import ClientGrant, Role
from vault.model.holders import HolderCode
from vault.signin import NewSecret

CATALOGUE = shipped_catalogue(SEAL_PLACES)
GRANT = ClientGrant(CLIENT_ID, "the city", frozenset(a.code for a in CATALOGUE.city.authorities))


def test_the_sample_document_is_a_pdf_that_may_be_sealed() -> None:
    pdf = plain_pdf("批复", ["项目：样例", "经研究，同意。"])
    admitted = admit_pdf(pdf)
    assert (admitted.page_count, admitted.existing_signatures) == (1, 0)
    with pikepdf.open(BytesIO(pdf)) as opened:
        assert opened.check_pdf_syntax() == []
        assert "批复".encode("utf-16-be").hex().encode() in opened.pages[0].Contents.read_bytes()


@pytest.mark.parametrize("story", [*STORIES, REPLY], ids=lambda story: story.key)
def test_every_case_of_the_walk_would_be_taken(story: Story) -> None:
    kind = CATALOGUE.types[story.type_code]
    for _ in range(20):  # numbers are drawn
        body = completed_case(story, dict(kind.example), new_run())
        case = read_case(CATALOGUE.in_force, GRANT, body, at=datetime.now(UTC))
        assert re.fullmatch(kind.number_pattern, case.results[0].number)


def test_two_walks_never_share_a_case_number() -> None:
    assert new_run() != new_run()


def test_the_spoiled_case_has_just_its_two_mistakes() -> None:
    kind = CATALOGUE.types[STORIES[1].type_code]
    with pytest.raises(InputError) as refused:
        read_case(CATALOGUE.in_force, GRANT, spoiled_case(dict(kind.example), "run"), at=datetime.now(UTC))
    assert {p.pointer for p in refused.value.problems} == {"/results/0/holders/0/code", "/results/0/valid_to"}


class Nonsense(BaseHTTPRequestHandler):
    """Answers whatever it is asked with a status and a body drawn at random."""

    drawn = random.Random(1900)  # noqa: S311 - a test's dice
    bodies = (b"", b"{}", b"[]", b'{"verdict": "genuine"}', b'{"receipts": []}', b'{"types": 1}')

    def answer(self) -> None:
        """Takes the request in and answers."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = self.drawn.choice(self.bodies)
        self.send_response(self.drawn.choice([200, 201, 303, 404, 422, 500]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_vault_that_answers_nonsense_fails_every_step() -> None:
    holder = DemoPerson(Role.HOLDER, "holder", "张三", HolderCode("111", "11010519491231002X"), "password")
    city = SampleCity(NewSecret(CLIENT_ID, "secret"), (holder,), Path("trust.pem"))
    heard: list[Step] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Nonsense) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        walked = walk(f"http://127.0.0.1:{server.server_port}", city, heard=heard.append)
        server.shutdown()
        thread.join()
    assert walked.failed == walked.steps == tuple(heard)
    assert walked.certificates == ()


def test_an_unmet_expectation_is_a_sentence() -> None:
    with pytest.raises(UnexpectedError, match=r"Expected genuine, got altered\."):
        expect(False, "genuine", "altered")  # noqa: FBT003 - as the walk writes it
