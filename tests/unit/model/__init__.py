"""Tests of the vault's model."""
