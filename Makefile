# Journeyman's commands. Each sets up .venv by itself; when pyproject.toml and constraints.txt are as they were, that costs nothing.
#
#   make demo QUICK=1                 the short demo
#   make JOBS=0 test                  the slow tests one after the other too, not those of two files at once
#   make PYTHON=python3.12 test       another interpreter (3.11 or newer); takes effect when .venv is made
#   make TORCH_INDEX=URL test         where to look for torch as well: on a machine without a GPU, PyTorch's index of CPU
#                                     builds saves a download of several GB

PYTHON ?= python3
TORCH_INDEX ?=
QUICK ?=
ARGS ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TORCH := $(shell sed -n 's/^torch==.*/&/p' constraints.txt)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast test-slow lint format bench campaign-log campaign-verify campaign-adding campaign-study study-report clean distclean

help:  ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(READY)  ## Install everything into .venv (done by the others as needed)

demo: $(READY)  ## Train a small model on repository tasks, show what it gained, replay an episode (QUICK=1: some minutes)
	$(BIN)/python -m journeyman demo $(if $(filter-out 0,$(QUICK)),--quick) $(ARGS)

test: test-fast test-slow  ## All tests, the fast ones first

test-fast: $(READY)  ## The fast tests alone (ARGS='-k sandbox' to choose)
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: $(READY)  ## The slow tests alone
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile -m slow $(ARGS) || test $$? -eq 5  # 5: ARGS left none

lint: $(READY)  ## ruff check, ruff format --check, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## Bring the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY)  ## Run every benchmark
	@set -e; for script in benchmarks/[a-z]*.py; do echo "==> $$script"; $(BIN)/python $$script $(ARGS); done
	$(BIN)/python -m journeyman bench sandbox $(ARGS)

campaign-log: $(READY)  ## Kill writers, tear ends, fill disks, change bytes: count what the episode log loses
	$(BIN)/python benchmarks/campaigns/log.py $(ARGS)

campaign-verify: $(READY)  ## Record over a thousand episodes and do each again (hours; goes on where it was)
	$(BIN)/python benchmarks/campaigns/verify.py $(ARGS)

campaign-adding: $(READY)  ## Draw libraries and see how many work with task add; ARGS="NAMES --seed 9" (an hour; goes on)
	$(BIN)/python benchmarks/campaigns/adding.py $(ARGS)

campaign-study: $(READY)  ## What each part of the recipe gains, on held-out libraries, three seeds (many hours; goes on)
	$(BIN)/python benchmarks/campaigns/study $(ARGS)

study-report: $(READY)  ## Draw every table of docs/results/study.md again, from its figures
	$(BIN)/python benchmarks/campaigns/study --report $(ARGS)

clean:  ## Delete build products and caches (runs/, weights/ and .venv stay)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## As clean, and .venv
	rm -rf $(VENV)

# torch comes first and pinned: a range that admits another release would draw that one, of several GB, in passing.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Journeyman needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv could be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "==> installing into $(VENV) (some minutes the first time)"
	$(PIP) 'setuptools>=77'
	$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) '$(TORCH)'
	$(PIP) --no-build-isolation --editable '.[train,llamacpp,view,scale,formats,dev]'
	@touch $@
