"""OFD: what the writer makes, read by others."""
