# Everything from a bare checkout with Python 3.11 (or newer), make and a package registry:
#
#   make demo              a whole vault on this machine, a walk through its main job; then it serves until Ctrl-C
#   make demo ARGS=--exit  the same, ending by itself with a status
#   make up                the vault without the walk
#   make test              linters, types and the whole suite
#   make lint              linters and types only
#   make fuzz              every fuzz target for ten minutes; FUZZ_S=60 for one
#   make bench             how fast it is here, into docs/performance.md with plots; ARGS=--json for programs
#   make nightly           the tests that take minutes each
#   make rehearsal         a vault of many processes, one of each killed under load: minutes; needs haproxy
#   make vendor            others' work that the pages carry, fetched by npm and checked; then commit it
#   make clean             the demo's data, the virtual environment and caches
#
# PYTHON chooses the interpreter: make demo PYTHON=python3.12

PYTHON ?= python3
ARGS ?=
DATA ?= var/demo
FUZZ_S ?= 600
# One more than there are cores: a test waits a third of its time, for an engine, a page or a process that it ended.
TESTERS = $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

VENV := .venv
BIN := $(VENV)/bin
BOOTSTRAP := $(VENV)/bootstrap
# No interpreter but the one chosen; the certificates that this machine trusts; copies where links do not work.
UV := UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=$(VENV) \
	$(BOOTSTRAP)/bin/uv
SYNC := $(UV) sync --frozen --extra embedded --inexact --quiet

.PHONY: help demo up test nightly lint fuzz bench rehearsal vendor clean
.DEFAULT_GOAL := help

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

demo: $(VENV)/.runtime
	@$(BIN)/certvault demo --data $(DATA) $(ARGS)

up: $(VENV)/.runtime
	@$(BIN)/certvault up --data $(DATA) $(ARGS)

lint: $(VENV)/.development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint
	$(BIN)/pytest --numprocesses $(TESTERS) --dist worksteal $(ARGS)

nightly: $(VENV)/.development
	$(BIN)/pytest -m nightly $(ARGS)

fuzz: $(VENV)/.development
	@mkdir -p var/fuzz && for target in $$($(BIN)/python -c 'from tests.fuzz.running import targets; print(*targets())'); do \
		echo "$$target for $(FUZZ_S) s; findings go to var/fuzz"; \
		$(BIN)/python -m tests.fuzz $$target -max_total_time=$(FUZZ_S) -artifact_prefix=var/fuzz/$$target- || exit 1; done

bench: $(VENV)/.development
	@$(BIN)/certvault bench --into docs/performance.md $(ARGS)

rehearsal: $(VENV)/.development
	@$(BIN)/python -m tests.rehearsal $(ARGS)

vendor: $(VENV)/.development
	@$(BIN)/python .ci/vendor.py

clean:
	@if [ -e $(DATA)/lock ]; then \
		$(BIN)/python -c 'import pathlib, storage.embedded as e; e.discard(pathlib.Path("$(DATA)"))'; fi
	rm -rf $(VENV) $(DATA) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BOOTSTRAP)/bin/uv: bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(f"certvault needs Python 3.11 or newer, \
	{sys.executable} is {sys.version.split()[0]}: make PYTHON=python3.11 …")'
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--target $(BOOTSTRAP) -r bootstrap.txt
	@touch $@

$(VENV)/.runtime: pyproject.toml uv.lock $(BOOTSTRAP)/bin/uv
	@echo "Installing what uv.lock says …"
	@$(SYNC) --no-dev
	@touch $@

$(VENV)/.development: pyproject.toml uv.lock $(BOOTSTRAP)/bin/uv
	@echo "Installing what uv.lock says, and the tools …"
	@$(SYNC)
	@touch $@ $(VENV)/.runtime
