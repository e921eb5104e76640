"""The OFD judge, with files by a maker that shares no code with `signing`."""
