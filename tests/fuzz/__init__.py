"""Fuzz targets (atheris): parsers of what strangers hand in.

    python -m tests.fuzz statement -max_total_time=600

Each module but the runner is one target: `SEEDS`, from which the fuzzer starts, and `one`, which raises
nothing for any input but what it finds to be wrong.
"""
