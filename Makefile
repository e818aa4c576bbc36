# One command per habit. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export DO_NOT_TRACK ?= 1

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cenote needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: run
run: $(VENV)/.run  ## Set up, make sample data, run the whole pipeline, show a summary
	@$(BIN)/cenote vault init
	@test -e data/truth.json || $(BIN)/cenote sample
	@$(BIN)/cenote run

.PHONY: test
test: $(VENV)/.dev  ## Run the whole test suite
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(TESTS)

.PHONY: ui
ui: $(VENV)/.run  ## Dagster UI on http://127.0.0.1:3000 with the daemon: schedules and sensors live
	@$(BIN)/cenote vault init
	@mkdir -p data/dagster
	DAGSTER_HOME=$(CURDIR) $(BIN)/dagster dev --module-name pipelines.definitions --host 127.0.0.1 --port $${PORT:-3000}

# Apart from ours, since it caps libraries (typer < 0.28, rich, pydantic) that users are to get newer
$(VENV)/datacontract/.ready: | $(BIN)/pip
	$(PYTHON) -m venv $(VENV)/datacontract
	$(VENV)/datacontract/bin/pip install --quiet datacontract-cli==1.2.8
	@touch $@

.PHONY: check
check: $(VENV)/.dev $(VENV)/datacontract/.ready  ## Lint, format, types, import directions, docs, contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cenote contract lint
	$(VENV)/datacontract/bin/python .ci/lint_contracts.py contracts tests/lakes/*/contracts
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_docs.py

# Apart from ours, since it caps DuckDB and Polars below what we use
$(VENV)/peers/.ready: | $(BIN)/pip
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/pip install --quiet lakelogic==1.84.0
	@touch $@

.PHONY: bench
bench: $(VENV)/.dev $(VENV)/peers/.ready  ## Benchmarks beside floors and peers; writes docs/performance.md
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

.PHONY: notebook
notebook: $(VENV)/.dev  ## Run the notebook from top to bottom into data/tour.ipynb
	@mkdir -p data
	$(BIN)/jupyter execute notebooks/tour.ipynb --output=$(CURDIR)/data/tour.ipynb

.PHONY: clean
clean:  ## Remove the lake (data/) and Python's caches; keep the vault and the environment
	find data -mindepth 1 ! -name README.md -delete
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help
help:  ## This list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
