# Firstline. `make` lists the commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
EXTRA := .venv-extra
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check --no-deps

.PHONY: help setup setup-dev setup-extra system run test test-unit test-browser test-extra check format translations lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements/build.txt
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements/runtime.txt
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements/dev.txt
	@touch $@

$(EXTRA)/.ready: requirements/extra-test.txt
	$(PYTHON) -m venv $(EXTRA)
	$(EXTRA)/bin/python -m pip install $(PIP_FLAGS) -r requirements/extra-test.txt
	@touch $@

setup: $(VENV)/.runtime ## Make .venv with everything Firstline needs to run

setup-dev: $(VENV)/.dev

setup-extra: $(EXTRA)/.ready

system:
	@tools/system-packages.sh

run: setup ## Serve Firstline with its demo knowledge base on http://127.0.0.1:8000
	$(BIN)/firstline serve --demo

test: setup-dev setup-extra system ## Set up what the tests need and run them all
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-extra
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-browser

test-unit: setup-dev
	$(BIN)/python -m pytest tests --ignore=tests/browser -n 2 --dist=worksteal

test-browser: setup-dev
	$(BIN)/python -m pytest tests/browser

test-extra: setup-extra
	$(EXTRA)/bin/python -m pytest -q --noconftest -p no:cacheprovider tests/kb/test_sentence_transformers.py tests/kb/test_rerank_cross.py

check: setup-dev ## Lint, types, import direction, templates, translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint web/templates --lint --quiet
	$(BIN)/python tools/translations.py --check

format: setup-dev ## Format the code
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

translations: setup-dev ## Bring the catalogues up to date with the code
	$(BIN)/python tools/translations.py

lock: setup-dev ## Pin every dependency anew
	$(BIN)/pip-compile -q --no-header --no-emit-find-links --no-emit-index-url --strip-extras --annotation-style=line -o requirements/runtime.txt pyproject.toml
	$(BIN)/pip-compile -q --no-header --no-emit-find-links --no-emit-index-url --strip-extras --annotation-style=line --extra dev -o requirements/dev.txt pyproject.toml

clean: ## Remove the virtual environments and caches (never your data)
	rm -rf $(VENV) $(EXTRA) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
