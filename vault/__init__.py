"""The vault: its kernel of values, and one module of plain functions for each thing that it does."""
