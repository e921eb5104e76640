"""Migrations that run on a live vault: each version with lock and statement time-outs, up and down."""
