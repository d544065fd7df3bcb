# Two targets do all the set-up they need: quickstart (the main job) and test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= quickstart

.PHONY: quickstart test test-arm64 fuzz paper check clean

quickstart: $(VENV)/.train ## the whole chain on synthetic CT, from nothing
	$(BIN)/cspine-edge quickstart --out $(OUT)

test: $(VENV)/.dev ## all tests, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-arm64: $(VENV)/.dev ## the device install on emulated Raspberry Pi; says which Debian packages it lacks
	$(BIN)/python -m pytest -m arm64 --timeout 1200 tests/arm64

INPUTS ?= 20000
fuzz: $(VENV)/.dev ## hostile inputs at every door (an hour); SEED=NUMBER repeats a soak
	PYTHONPATH=tests:. $(BIN)/python -m fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED))

DATA ?= ../shared/data/csf
paper: $(VENV)/.train ## every figure of docs/paper.md, from training on (hours); WEIGHTS=FOLDER to stay offline
	$(BIN)/cspine-edge audit $(DATA) --out audited --overwrite
	cp audited/audit.json results/audit-csf.json
	$(BIN)/python benchmarks/reproduce.py paper grouped --data $(DATA) $(if $(WEIGHTS),--weights $(WEIGHTS))
	$(BIN)/python benchmarks/ensemble.py $(foreach n,vgg16 densenet121 mobilenet,runs/paper-$n-nadam) \
		--out results/ensemble-paper-nadam-csf.json
	$(BIN)/python benchmarks/ablation.py probe --data $(DATA) --out results/ablation-probe-csf.json \
		$(if $(WEIGHTS),--weights $(WEIGHTS)/mobilenet_1_0_224_tf_no_top.h5)
	$(BIN)/python benchmarks/ablation.py heads $(foreach n,B10 B11 B12,runs/grouped-mobilenet-nadam-$n) \
		--out results/ablation-heads-csf.json
	$(BIN)/python benchmarks/by_slice.py $(foreach n,B10 B11 B12,runs/grouped-mobilenet-nadam-$n) \
		--out results/by-slice-grouped-mobilenet-nadam-csf
	$(BIN)/python benchmarks/tables.py

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
