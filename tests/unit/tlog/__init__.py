"""Tests of the log's mathematics and formats."""
