# Two targets do all the set-up they need: quickstart (the main job) and test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= quickstart

.PHONY: quickstart test check clean

quickstart: $(VENV)/.train ## the whole chain on synthetic CT, from nothing
	$(BIN)/cspine-edge quickstart --out $(OUT)

test: $(VENV)/.dev ## all tests
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[train]'
	touch $@

$(VENV)/.dev: $(VENV)/.train
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[train,dev]'
	touch $@

clean: ## remove the environment and the quickstart's output
	rm -rf $(VENV) $(OUT)
