"""Imports of a register's stock, on real engines."""
