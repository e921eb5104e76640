"""Tests of what makes documents and seals, and of what judges them."""
