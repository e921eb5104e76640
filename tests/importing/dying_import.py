"""One import in a process of its own that SIGKILLs itself right after so many calls of a step.

    python -m tests.importing.dying_import STEP CALLS CHUNK_ROWS FOLDER

STEP is `module:function` as the chunk calls it. FOLDER holds register.csv, map.json and scans/.
"""

import importlib
import sys
from pathlib import Path

from api.import_hands import own_hands
from api.settings import Settings
from api.wiring import wire
from tests.dying import die_after
from vault.importing import FilesKind, FilesPlace, ImportOrder, Manifest, read_mapping, run_import, running
from vault.model.imports import ImportMode
from vault.signin import client_by_id


def main() -> None:
    """Imports what the folder holds; dies on the way."""
    step, calls, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[4])
    vars(running)["CHUNK_ROWS"] = int(sys.argv[3])
    module_name, function_name = step.split(":")
    module = importlib.import_module(module_name)
    setattr(module, function_name, die_after(getattr(module, function_name), calls=calls))
    workshop = wire(Settings.model_validate({}), compilers=1).workshop
    mapping = read_mapping((folder / "map.json").read_bytes(), "map.json")
    order = ImportOrder(
        client_by_id(workshop, "suite"),
        ImportMode.IMPORT,
        Manifest("register.csv", folder / "register.csv"),
        mapping,
        FilesPlace(FilesKind.FOLDER, str(folder / "scans")),
    )
    with own_hands(workshop) as hands:
        run_import(workshop, order, hands)


if __name__ == "__main__":
    main()
