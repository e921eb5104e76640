"""Import of a register's stock (存量): a manifest's rows become certificates, or are told why not.

`run_import` is the whole of it in order; `import_chunk` is what a process does with some rows; `runs` tells
how imports stand.
"""

from vault.importing.chunks import import_chunk
from vault.importing.files import FilesKind, FilesPlace
from vault.importing.mapping import RegisterMapping, mapping_from_json, read_mapping
from vault.importing.orders import ChunkDone, ChunkOrder
from vault.importing.reading import find_run, result_lines, run_json, runs, scope_of
from vault.importing.running import Hands, ImportOrder, begin, run_import

__all__ = [
    "ChunkDone",
    "ChunkOrder",
    "FilesKind",
    "FilesPlace",
    "Hands",
    "ImportOrder",
    "RegisterMapping",
    "begin",
    "find_run",
    "import_chunk",
    "mapping_from_json",
    "read_mapping",
    "result_lines",
    "run_import",
    "run_json",
    "runs",
    "scope_of",
]
