# Everything that a clone needs sets itself up: only Python 3.11 or newer and make have to be there.
#   make demo     simulate a group, analyse it, compare the bounds with the truth
#   make test     lint, types, layers, tests
#   make docs     pages to read in a browser
# PYTHON names the interpreter of the virtual environment: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --no-input

# nothing is tracked, and no window is opened
export NO_ET := 1
export NIPYPE_NO_ET := 1
export MPLBACKEND := Agg

.PHONY: demo test lint types layers tests docs pictures clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

demo: $(VENV)/installed demo/firstlevel/dataset_description.json
	$(BIN)/bids-ari demo/firstlevel demo/output group --work-dir demo/work \
		--smoothing-fwhm 6 --cluster-threshold 3.1 4
	@echo
	@$(BIN)/python -m bids_ari.simulate.comparison demo/firstlevel demo/output
	@echo
	@echo "The report: $(CURDIR)/demo/output/index.html"

# the description is written last: without it the rest is from a run that was interrupted
demo/firstlevel/dataset_description.json: $(wildcard bids_ari/simulate/*.py) | $(VENV)/installed
	rm -rf demo/firstlevel
	$(BIN)/python -m bids_ari.simulate demo/firstlevel

test: lint types layers tests

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell bids_ari benchmarks docker docs examples tests Makefile pyproject.toml CITATION.cff *.md
	$(BIN)/python -W 'ignore:Unknown section:UserWarning' -m numpydoc lint $$(find bids_ari -name '*.py')
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/hadolint Dockerfile

types: $(VENV)/installed-dev
	$(BIN)/mypy

layers: $(VENV)/installed-dev
	$(BIN)/lint-imports

tests: $(VENV)/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

docs: $(VENV)/installed-docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs
	@echo "The pages: $(CURDIR)/build/docs/index.html"

# of the report of the demo, for the pages; Chromium takes them
pictures: demo $(VENV)/installed-dev
	$(BIN)/python docs/pictures.py demo/output

clean:
	rm -rf $(VENV) demo build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed, this is %s: make PYTHON=..." % sys.version.split()[0])'
	@echo "Setting up a virtual environment in $(VENV); this takes a few minutes, once."
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/installed
	$(PIP) install --group dev
	@touch $@

$(VENV)/installed-docs: pyproject.toml $(VENV)/installed
	$(PIP) install --group docs
	@touch $@
