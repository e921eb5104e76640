"""The process that sets one edited template: `python -m signing.trial.child FD`.

1. it takes its job; 2. everything is loaded that it needs, and Typst's thread is started; 3. it is confined:
files other than the shipped templates and the fonts are out of its reach, as are network and processes;
where the kernel cannot do that, it says so and ends;
4. it sets the page as a deposit would be set, then again as pictures; 5. it says what came of it, and ends.
"""

import base64
import json
import os
import socket
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import typst
from PIL import Image
from pylopdf_fonts_zh_cn import serif_path

from signing.limits import confine, confine_reading
from signing.trial.asking import CPU_MAX_S, DATA_MAX_BYTES, KILLED_AFTER_S, PAGES_MAX, PPI
from signing.typeset import PDF_STANDARD, TEMPLATES, page_inputs
from signing.typeset.fonts import typesetting_fonts
from signing.wire import receive, send
from vault.errors import InputError, IntegrityError

# Packages are looked for here, and nobody can put any there.
NOWHERE = Path(os.devnull) / "packages"
COLOURS = 256
UNCONFINED = "The kernel offers no Landlock to keep a template away from other files: nothing was set."


def main(descriptor: int) -> None:
    """Sets one template and ends."""
    connection = socket.socket(fileno=descriptor)
    job = json.loads(receive(connection, DATA_MAX_BYTES))  # 1
    Image.init()  # 2
    try:
        confine_reading((TEMPLATES, serif_path().parent))  # 3: threads that start later are bound, too
    except OSError as error:
        send(connection, json.dumps({"message": UNCONFINED, "detail": error.strerror or ""}).encode())
        return
    compiler = typst.Compiler(
        root=TEMPLATES,
        font_paths=typesetting_fonts(),
        ignore_system_fonts=True,
        package_path=NOWHERE,
        package_cache_path=NOWHERE,
    )
    compiler.compile(b"", format="png", ppi=1)
    confine(KILLED_AFTER_S, cpu_max_s=CPU_MAX_S, reading=(TEMPLATES,))
    send(connection, json.dumps(_set(compiler, job)).encode())  # 4, 5


def _set(compiler: typst.Compiler, job: dict[str, Any]) -> dict[str, Any]:
    source = job["source"].encode()
    try:
        inputs, _ = page_inputs(job["template"], job["data"])
        compiler.compile(
            source,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=PDF_STANDARD,
            timestamp=datetime.now(UTC).replace(microsecond=0),
        )
        drawn = compiler.compile(source, format="png", ppi=PPI, sys_inputs=inputs)
    except typst.TypstError as error:
        return {"message": str(error.message), "detail": str(error.diagnostic)}
    except (InputError, IntegrityError) as error:
        problems = error.problems if isinstance(error, InputError) else ()
        sentences = "\n".join(f"{each.pointer}: {each.detail}" for each in problems)
        return {"message": error.detail, "detail": sentences}
    pages = [page for page in (drawn if isinstance(drawn, list) else [drawn]) if page is not None]
    shown = [base64.b64encode(_smaller(page)).decode() for page in pages[:PAGES_MAX]]
    return {"pages": shown, "page_count": len(pages)}


def _smaller(page: bytes) -> bytes:
    """The picture in 256 colours: a fifth of the size, and nobody sees it on a screen."""
    out = BytesIO()
    with Image.open(BytesIO(page)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main(int(sys.argv[1]))
