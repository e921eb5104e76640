"""`python -m tests.vectors [pdf|ofd]`: makes the published vectors anew, with fresh keys; both if unsaid."""

import sys

from tests.vectors.making import FILES, make
from tests.vectors.ofd_making import OFD_FILES, make_ofd

wanted = sys.argv[1:] or ["pdf", "ofd"]
if "pdf" in wanted:
    make(FILES)
if "ofd" in wanted:
    make_ofd(OFD_FILES)
