# make demo        solve an instance and print its plan        (INSTANCE=instances/health-assistant.yaml)
# make test        run the tests                               (TESTS=tests/instance for one room)
# make lint types  ruff, mypy
# Everything lives in .venv; a fresh machine needs Python 3.11 or later with its venv module.

PYTHON ?= python3
INSTANCE ?= instances/health-assistant.yaml
TESTS ?= tests
JOBS ?= auto
BIN := .venv/bin
# "compat" puts the checkout on the path, so that a folder called domicile beside a script does not hide the package
EDITABLE := --config-settings editable_mode=compat --editable

.PHONY: demo test lint types venv clean
.DELETE_ON_ERROR:

demo: .venv/.installed
	$(BIN)/domicile solve $(INSTANCE)

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

lint: .venv/.installed-dev
	$(BIN)/ruff check .

types: .venv/.installed-dev
	$(BIN)/mypy

venv: .venv/.installed-dev

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "domicile needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(EDITABLE) .
	touch $@

.venv/.installed-dev: pyproject.toml tests/export/packages.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(EDITABLE) '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement tests/export/packages.txt
	touch $@ .venv/.installed

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
