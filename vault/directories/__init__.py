"""The directories of electronic certificates (居民、法人电子证照目录), exported whole or since a cursor.

`exporting.py` is the flow in order; `pages.py` reads, `sheets.py` writes lines, `folder.py` keeps the files
so that an export can be broken off anywhere.
"""

from vault.directories.exporting import Exported, export_directories, summary_json
from vault.directories.sheets import Format, cell

__all__ = ["Exported", "Format", "cell", "export_directories", "summary_json"]
