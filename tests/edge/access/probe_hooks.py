"""Loaded by schemathesis: deposits and uses that are taken, in the place of data that would not pass.

`CERTVAULT_PROBE` names a JSON file: bodies by operation, with `{fresh}` where each must differ.
"""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import schemathesis

BODIES: dict[str, Any] = json.loads(Path(os.environ["CERTVAULT_PROBE"]).read_text(encoding="utf-8"))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:  # noqa: ANN401 - the hook's own signature
    """The body that is sent."""
    known = BODIES.get(context.operation.label)
    if known is None:
        return body
    return json.loads(json.dumps(known).replace("{fresh}", secrets.token_hex(6)))
