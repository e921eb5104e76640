"""Certificates as OFD (GB/T 33190): made from the page that Typst set, then sealed and closed."""
