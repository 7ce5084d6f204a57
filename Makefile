# Two verbs do everything on a fresh machine: `make demo` and `make test`.
# Every verb sets up what it needs; nothing outside .venv is touched but the Debian packages `make test` names.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.PHONY: help demo test test-gateway prove lint fmt bench dashboards clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(READY): pyproject.toml constraints.txt scripts/environment.sh
	@scripts/environment.sh $(VENV) $(PYTHON)
	@touch $@

$(READY_DEV): $(READY)
	@scripts/environment.sh $(VENV) $(PYTHON) dev
	@touch $@

demo: $(READY) ## the service with a simulated fleet, on the embedded database
	@$(BIN)/pinkslip demo

test: $(READY_DEV) ## install what the tests need, then run them all
	@scripts/test-parts.sh
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(ARGS)

test-gateway: ## tests against real gateways
	@echo "Gateways are not part of this version: there is nothing to test yet." >&2; exit 2

prove: $(READY_DEV) ## every promise at full length; writes a dated report into docs/proofs
	@scripts/test-parts.sh
	$(BIN)/python -m tests.prove $(ARGS)

lint: $(READY_DEV) ## ruff, mypy strict, import contracts, rules and dashboards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=. $(BIN)/mypy -p grafana
	$(BIN)/lint-imports
	$(BIN)/python -m grafana.generate --check

fmt: $(READY_DEV) ## format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY_DEV) ## every benchmark, each beside its ceiling or peer, as JSON lines
	@scripts/test-parts.sh
	$(BIN)/python -m bench $(ARGS)

dashboards: $(READY_DEV) ## write the Grafana dashboards anew from their generator
	$(BIN)/python -m grafana.generate

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
