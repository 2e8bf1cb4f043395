# Every target sets itself up on a fresh machine: uv by pip where it is missing, then the locked environment.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
HUB ?= local
VENV := .venv
WORKER := .venv-eval
MOAT := $(VENV)/bin/moat
export DAGSTER_HOME := $(CURDIR)/dagster_home

.PHONY: run setup eval test check ui soak bench coverage mutate picture lock clean

run: $(VENV)/ready
	@$(MOAT) run --hub $(HUB)

setup: $(VENV)/ready

$(VENV)/ready: requirements.lock pyproject.toml
	@command -v uv >/dev/null || python3 -m pip install --quiet --user uv || python3 -m pip install --quiet uv
	@PATH="$$HOME/.local/bin:$$PATH"; uv venv --quiet --allow-existing --python ">=3.11,<3.14" $(VENV) \
	  && uv pip sync --quiet --compile-bytecode --python $(VENV)/bin/python --require-hashes requirements.lock \
	  && uv pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	@touch $@

# What evaluates models, in an environment of its own, and Ray's client in ours. torch is the build that pip finds for
# this machine, so that it is not locked by hash.
eval: $(VENV)/eval-ready

$(VENV)/eval-ready: $(VENV)/ready requirements-eval.lock requirements-ray.lock
	@PATH="$$HOME/.local/bin:$$PATH"; uv pip install --quiet --compile-bytecode --python $(VENV)/bin/python --no-deps \
	  --require-hashes -r requirements-ray.lock \
	  && uv venv --quiet --allow-existing --python ">=3.11,<3.14" --seed $(WORKER) \
	  && uv pip install --quiet --compile-bytecode --python $(WORKER)/bin/python --no-deps --require-hashes \
	    -r requirements-eval.lock \
	  && PIP_ROOT_USER_ACTION=ignore $(WORKER)/bin/python -m pip install --quiet torch==2.13.0
	@touch $@

test: $(VENV)/eval-ready
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal -m "not soak"

soak: $(VENV)/eval-ready
	$(VENV)/bin/python -m pytest -m soak

check: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/sqlfluff lint --processes 2 sql
	$(VENV)/bin/dg check defs

ui: $(VENV)/ready
	$(VENV)/bin/dg dev --host 127.0.0.1 --port 3000

bench: $(VENV)/eval-ready
	$(VENV)/bin/python -m benchmarks.index_fit
	$(VENV)/bin/python -m benchmarks.gap_speed
	$(VENV)/bin/python -m benchmarks.hub_crawl
	$(VENV)/bin/python -m benchmarks.hub_bulk
	$(VENV)/bin/python -m benchmarks.staging
	$(VENV)/bin/python -m benchmarks.evaluate_cells

coverage: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.coverage --out docs/coverage.md

mutate: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.mutation --out docs/mutation.md

picture: $(VENV)/ready
	$(MOAT) picture docs/frontier.png

lock: export PATH := $(HOME)/.local/bin:$(PATH)
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade-package duckdb==1.5.5 -o requirements.lock
	uv pip compile pyproject.toml --extra ray --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet -c requirements.lock \
	  -o requirements-ray.lock
	uv pip compile --group worker --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate --quiet -o requirements-all.lock
	awk '/^[a-z0-9]/ {keep = $$0 !~ /^(torch|triton|nvidia|cuda)/} keep' requirements-all.lock > requirements-eval.lock
	rm requirements-all.lock

clean:
	rm -rf data/work $(VENV) $(WORKER)
