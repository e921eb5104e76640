"""PAdES signatures (ETSI EN 319 142-1): reading a PDF's structure and appending a seal to it."""
