"""Deposits killed, cut off and lied to, on the real engines."""
