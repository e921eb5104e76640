"""Fuzz targets, one a file: `make fuzz` runs each for ten minutes, the suite for a moment."""
