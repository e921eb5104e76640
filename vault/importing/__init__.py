"""Import of a register's stock (存量): a manifest's rows become certificates, or are told why not.

`run_import` is the whole of it in order; `import_chunk` is what a process does with some rows; `runs` tells
how imports stand.
"""

from vault.importing.asking import Asked, ask_import, order_of_run, shown_run, shown_runs
from vault.importing.chunks import import_chunk, opened_files
from vault.importing.files import FilesKind, FilesPlace
from vault.importing.mapping import RegisterMapping, mapping_from_json, read_mapping
from vault.importing.orders import ChunkDone, ChunkOrder
from vault.importing.reading import result_lines, run_json, runs, under_way
from vault.importing.running import IMPORT_QUEUE, IMPORT_TASK, Hands, ImportOrder, run_import
from vault.importing.sheets import Manifest

__all__ = [
    "IMPORT_QUEUE",
    "IMPORT_TASK",
    "Asked",
    "ChunkDone",
    "ChunkOrder",
    "FilesKind",
    "FilesPlace",
    "Hands",
    "ImportOrder",
    "Manifest",
    "RegisterMapping",
    "ask_import",
    "import_chunk",
    "mapping_from_json",
    "opened_files",
    "order_of_run",
    "read_mapping",
    "result_lines",
    "run_import",
    "run_json",
    "runs",
    "shown_run",
    "shown_runs",
    "under_way",
]
