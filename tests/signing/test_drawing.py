"""PDFium serves one thread at a time; two in it at once broke a worker down that raised three files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import signing
from signing import drawing
from tests.papers import new_pdf


def entered_elsewhere() -> bool:
    lock = drawing.ONE_AT_A_TIME  # a lock is seen from another thread alone
    entered = lock.acquire(blocking=False)
    if entered:
        lock.release()
    return entered


def test_nobody_else_is_in_pdfium_while_a_document_is_open() -> None:
    with ThreadPoolExecutor(1) as another:
        with drawing.opened(new_pdf(), forms=True), drawing.opened(new_pdf(), forms=False):
            assert not another.submit(entered_elsewhere).result()
        assert another.submit(entered_elsewhere).result()


def test_documents_are_opened_in_one_place() -> None:
    sources = Path(signing.__file__).parent.rglob("*.py")
    assert [each.name for each in sources if "PdfDocument(" in each.read_text()] == ["drawing.py"]
