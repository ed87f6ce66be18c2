# Everything sets itself up: a machine with Python >= 3.11 (pip, venv), git and make is enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup spark demo test lint types layers unit browser soak bench docs lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /: /' | sort

# The lock file names every file by its hash, so that pip refuses anything else.
$(VENV)/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("fairshot needs Python >= 3.11, this is %d.%d. Choose another: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV): about a minute, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/ready  ## make .venv with everything locked

spark: setup  ## add Spark to .venv, so that its tests run where Java is: half a minute, 470 MB
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-spark.lock

demo: setup  ## real data in, trained, served, and a page to look at; ARGS=--smoke for no browser
	@$(BIN)/fairshot demo $(ARGS)

test: lint types layers unit  ## everything that must hold before a commit

lint: setup  ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy, strict
	$(BIN)/mypy

layers: setup  ## no room imports from above itself
	$(BIN)/lint-imports --no-cache

unit: setup  ## all tests; the browser's are skipped where there is no Chromium
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

soak: setup  ## long suites: thousands of kills, long fuzzing, laws on new examples
	$(BIN)/pytest -m soak $(ARGS)
	$(BIN)/pytest --hypothesis-profile fresh tests/algorithms tests/core tests/pipeline tests/state $(ARGS)

bench: setup  ## speed beside the physical limit
	$(BIN)/fairshot bench $(ARGS)

docs: setup  ## write the generated pages anew
	$(BIN)/python -m fairshot.cli.reference docs/reference

lock: setup  ## resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --universal --generate-hashes --no-header --no-annotate -q pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --upgrade --universal --generate-hashes --no-header --no-annotate -q pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile --upgrade --universal --generate-hashes --no-header --no-annotate -q pyproject.toml --group dev --extra spark -c requirements-dev.lock -o requirements-spark.lock

clean:  ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
