# Every target sets itself up on a fresh machine: uv by pip where it is missing, then the locked environment.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
HUB ?= local
VENV := .venv
WORKER := .venv-eval
MOAT := $(VENV)/bin/moat
AS_ROOT = $(shell [ "$$(id -u)" = 0 ] || echo sudo)
HEADLESS := --headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update \
  --disable-sync --no-first-run
export DAGSTER_HOME := $(CURDIR)/dagster_home

.PHONY: run setup eval test check ui site browser soak bench coverage mutate picture lock clean

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

test: $(VENV)/eval-ready browser
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak"

soak: $(VENV)/eval-ready browser
	$(VENV)/bin/python -m pytest -m soak

check: $(VENV)/ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/sqlfluff lint --processes 2 sql
	$(VENV)/bin/dg check defs

ui: $(VENV)/ready
	$(VENV)/bin/dg dev --host 127.0.0.1 --port 3000

# The site on this machine alone; the SQL page has its engine if `make browser` or npm put it in place before.
site: $(VENV)/ready
	@$(MOAT) site build
	@$(VENV)/bin/python -m http.server 8000 --bind 127.0.0.1 --directory "$${MOAT_DATA:-data}/published/site"

# What the tests of the site need besides Python: Debian's chromium, the SQL engine and the accessibility checker.
browser: dashboards/node_modules/.package-lock.json
	@command -v chromium >/dev/null || { $(AS_ROOT) apt-get install -y -qq chromium || { $(AS_ROOT) apt-get update -qq \
	  && $(AS_ROOT) apt-get install -y -qq chromium; }; }

dashboards/node_modules/.package-lock.json: dashboards/package-lock.json dashboards/package.json dashboards/.npmrc
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or later" >&2; exit 1; }
	@cd dashboards && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

bench: $(VENV)/eval-ready browser
	$(VENV)/bin/python -m benchmarks.index_fit
	$(VENV)/bin/python -m benchmarks.gap_speed
	$(VENV)/bin/python -m benchmarks.hub_crawl
	$(VENV)/bin/python -m benchmarks.hub_bulk
	$(VENV)/bin/python -m benchmarks.staging
	$(VENV)/bin/python -m benchmarks.evaluate_cells
	$(VENV)/bin/python -m benchmarks.lineage
	$(VENV)/bin/python -m benchmarks.site_speed

coverage: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.coverage --out docs/coverage.md

mutate: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.mutation --out docs/mutation.md

# The first page as the README shows it.
picture: $(VENV)/ready browser
	$(MOAT) site build
	profile=$$(mktemp -d) && chromium $(HEADLESS) --user-data-dir="$$profile" --hide-scrollbars --window-size=1280,1360 \
	  --screenshot=docs/overview.png "file://$(abspath $(or $(MOAT_DATA),data))/published/site/index.html"; rm -rf "$$profile"

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
