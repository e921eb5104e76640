"""`python -m tests.vectors`: makes the published vectors anew, with fresh keys."""

from tests.vectors.making import FILES, make

make(FILES)
