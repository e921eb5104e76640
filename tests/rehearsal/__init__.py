"""The rehearsal: a vault of many processes under load, one of each kind killed, and the proof afterwards.

`make rehearsal`, or `python -m tests.rehearsal`. It takes minutes and is no part of the suite. What it showed
stands in `docs/scaling.md`.
"""
