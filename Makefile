# Needs only make and Python 3.11 or newer with venv. Everything else goes into .venv.
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Set it to choose the interpreter: make demo PYTHON=/opt/python/bin/python3
PYTHON ?=
# Half of the tests' time is waiting, so three share two cores.
# Many tests start the program, which takes twice as long where nothing compiled is kept.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadgroup

.PHONY: help demo run test test-slow check format bench clean

help:
	@echo "make demo       try it on this machine, no account needed (ARGS=\"--script\" plays one conversation)"
	@echo "make run        the service, with the settings of .env"
	@echo "make test       the tests; make test-slow the long ones"
	@echo "make check      format, lint and types; make format puts the first two right"
	@echo "make bench      throughput and latency beside the raw floor"
	@echo "make clean      removes .venv and caches"

demo: $(VENV)/installed
	@$(BIN)/sahut-bot demo $(ARGS)

run: $(VENV)/installed
	@$(BIN)/sahut-bot run $(ARGS)

test: $(VENV)/installed-dev
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(VENV)/installed-dev
	@$(PYTEST) -m "slow or hypothesis" --hypothesis-profile=long $(ARGS)

check: $(VENV)/installed-dev
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@echo "Format, lint and types are fine."

format: $(VENV)/installed-dev
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/installed-dev
	@$(BIN)/python -m bench $(ARGS)

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

# A stamp for each of the two sets of libraries; a change of either file below installs again.
$(VENV)/installed: pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" sh tools/setup $(VENV) .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" sh tools/setup $(VENV) '.[dev]'
	@touch $(VENV)/installed $@
