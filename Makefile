# One target per verb; each does the set-up it needs on a fresh machine (Python >= 3.11, make, a package index).
# With uv on the path the environment comes from uv, otherwise from venv and pip; byte-compiled either way, because
# compiled packages import three to four times faster.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help report test check format lab dashboard test-full test-min mutants bench bench-full scorecard pictures docs docs-links wheel lock clean

VENV ?= .venv
BIN := $(VENV)/bin
SOURCE ?= sample:retail
OUT ?= reports
WORKERS ?= 2
# The first interpreter that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
TEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile
# Apart from the others: nbval's way of measuring coverage inside the kernel hangs with ipykernel 7.
NOTEBOOKS := $(TEST) --nbval-lax --nbval-current-env notebooks tests/golden
COVER := --cov --cov-report=term --cov-report=xml:.coverage.xml

help:  ## show this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/:.*  ## /\t/' | expand -t 14

# ------------------------------------------------------------------------------------------------- the product
report: $(VENV)/.made  ## run the main job on the built-in sample and print where the report is
	@$(BIN)/segkit run '$(SOURCE)' --out '$(OUT)'

lab: $(VENV)/.made  ## open the first notebook in JupyterLab
	$(BIN)/jupyter lab notebooks/01-segment-customers.ipynb

dashboard: $(VENV)/.made  ## open the dashboard in a browser (prints its address and token)
	$(BIN)/segkit serve

# ------------------------------------------------------------------------------------------------- the checks
test: $(VENV)/.made-dev  ## run the tests, but for the slow ones
	$(TEST) -m 'not slow' --no-cov tests segkit
	$(NOTEBOOKS)

test-full: $(VENV)/.made-dev  ## run every test, the slow ones too, with branch coverage
	$(TEST) $(COVER) tests segkit
	$(NOTEBOOKS)

test-min: $(VENV)-min/.made  ## run the tests at the lower bounds of the dependencies, in a second environment
	$(VENV)-min/bin/pytest -n $(WORKERS) --dist loadfile -m 'not slow and not browser' tests segkit

mutants: $(VENV)/.made-dev  ## change the trust core in every small way, and list the changes that no test notices
	@$(call install,$(VENV),--group mutants)
	$(BIN)/mutmut run
	$(BIN)/mutmut results

check: $(VENV)/.made-dev  ## lint, format, types, import layers; lines per room
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python tests/rooms.py

format: $(VENV)/.made-dev  ## let ruff lay the code out and mend what it can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/.made-dev  ## time the main steps against yardsticks of the same run; table and picture into docs/
	@$(call install,$(VENV),--group bench)
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/rows.py
	$(BIN)/python tests/benchmarks/pages.py
	$(BIN)/python tests/benchmarks/sweeps.py --out docs
	$(BIN)/python tests/benchmarks/nightly.py --out docs

bench-full: $(VENV)/.made-dev  ## the same at up to a million customers
	@$(call install,$(VENV),--group bench)
	$(BIN)/python tests/benchmarks/bench.py --full
	$(BIN)/python tests/benchmarks/rows.py --full
	$(BIN)/python tests/benchmarks/sweeps.py --rows 200 1000 2000 5000 20000 100000 1000000 10000000 --out docs
	$(BIN)/python tests/benchmarks/streamed.py 50000000

scorecard: $(VENV)/.made-dev  ## measure how often the verdict is wrong on planted data, into docs/scorecard.md
	$(BIN)/python tests/benchmarks/scorecard.py docs/scorecard.md

# ------------------------------------------------------------------------------------------------- what is made
pictures: $(VENV)/.made-dev  ## take the README's pictures from a real run (needs Chromium)
	$(BIN)/python docs/pictures.py docs/pictures

docs: $(VENV)/.made-docs  ## build the documentation site into build/docs, check its links; write the tables of the README
	$(BIN)/python docs/reference.py
	$(BIN)/sphinx-build -qEW --keep-going docs/site build/docs
	$(BIN)/python docs/links.py build/docs

docs-links: $(VENV)/.made-docs  ## ask every address outside that the documentation names (needs the network)
	$(BIN)/sphinx-build -qE -b linkcheck docs/site build/links

wheel: $(VENV)/.made-dev  ## build the sdist, from it the wheel, and the bill of materials, into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o dist/segkit.cdx.json
	@ls -l dist

lock: $(VENV)/.made-dev  ## pin every dependency, with hashes, for Python 3.11 and later
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --python-version 3.11 \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements.lock

clean:  ## remove caches and builds; keeps the environment and your reports
	rm -rf build dist mutants .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------- the set-up
$(VENV)/.made: pyproject.toml
	@$(call environment,$(VENV))
	@$(call install,$(VENV),-e .)
	@touch $@

$(VENV)/.made-dev: $(VENV)/.made
	@$(call install,$(VENV),-e . --group dev)
	@touch $@

$(VENV)/.made-docs: $(VENV)/.made-dev
	@$(call install,$(VENV),-e . --group docs)
	@touch $@

$(VENV)-min/.made: pyproject.toml tests/lower_bounds.py
	@$(call environment,$(VENV)-min)
	@$(VENV)-min/bin/python tests/lower_bounds.py > $(VENV)-min/lowest.txt
	@$(call install,$(VENV)-min,-e . --group dev -c $(VENV)-min/lowest.txt)
	@touch $@

# $(call environment,DIR): an empty environment, unless there is one
define environment
if [ -x '$(1)/bin/python' ]; then :; \
elif command -v uv >/dev/null; then uv venv --quiet --python '>=3.11' '$(1)'; \
elif [ -z '$(PYTHON)' ]; then echo 'segkit needs Python 3.11 or later; make PYTHON=/path/to/python names one.' >&2; exit 1; \
else echo 'Making $(1) with $(PYTHON)'; \
  '$(PYTHON)' -m venv '$(1)' || { echo "venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf '$(1)'; exit 1; }; \
fi
endef

# $(call install,DIR,WHAT): install into it and compile; pip learnt --group in 25.1
define install
if command -v uv >/dev/null; then uv pip install --quiet --compile-bytecode --python '$(1)/bin/python' $(2); \
else '$(1)/bin/python' -m pip install -qq --disable-pip-version-check 'pip>=25.1'; \
  echo 'Installing into $(1); the first time takes a minute or two'; \
  '$(1)/bin/python' -m pip install -qq --disable-pip-version-check $(2); \
fi
endef
