"""Certificates as OFD (GB/T 33190): made from the page that Typst set, then sealed and closed.

`typeset_ofd` makes the document, `seal_ofd` puts a national seal on a page and closes it, `close_ofd` closes
it alone. What judges OFD files shares no code with this package.
"""

from signing.ofd.metadata import CertificateFacts
from signing.ofd.seal import OfdPlace, close_ofd, seal_ofd
from signing.ofd.typeset import typeset_ofd

__all__ = ["CertificateFacts", "OfdPlace", "close_ofd", "seal_ofd", "typeset_ofd"]
