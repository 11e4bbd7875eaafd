# Two targets matter: `make demo` and `make test`. Everything lives in .venv; nothing else is touched,
# but that Debian's packages are installed where they are missing and allowed.

PYTHON ?= python3
CONFIG ?= integration-exporter.yml
STORE ?=
BIN := .venv/bin

.PHONY: compose help demo run test lint bench generate check-generated lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

demo: .venv/runtime ## Run everything against simulated vendors until Ctrl-C (STORE=postgresql://...)
	@sh deploy/install-packages.sh prometheus prometheus-alertmanager || true
	@$(BIN)/integration-exporter demo --store "$(STORE)"

compose: ## Run the demo in containers, with Grafana, until Ctrl-C
	@docker compose build exporter
	@docker compose run --rm --user "$$(stat -c %u:%g deploy/compose)" secrets
	@docker compose --profile demo up || [ $$? -eq 130 ] # Ctrl-C is the way out

run: .venv/runtime ## Run the exporter on your own file: make run CONFIG=my.yml
	@$(BIN)/integration-exporter --config.file "$(CONFIG)"

test: .venv/dev ## Run every check and every test
	@sh deploy/install-packages.sh prometheus prometheus-alertmanager chromium knot postgresql \
	  nginx prometheus-blackbox-exporter zsh fish nodejs node-express curl openssl redis-server
	$(MAKE) --no-print-directory lint check-generated
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder  # more than cores: many tests wait for processes

lint: .venv/dev ## Style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

generate: .venv/dev ## Write rules, routes, dashboards, runbooks and reference pages again
	$(BIN)/integration-exporter generate

check-generated: .venv/dev ## Fail when a generated file is not what the code generates
	$(BIN)/integration-exporter generate --check

bench: .venv/dev ## Measure every goal of docs/performance.md beside its peer (15 minutes; BENCH=--quick tries it out)
	@sh deploy/install-packages.sh prometheus prometheus-blackbox-exporter nginx
	$(BIN)/python -m benchmarks.table $(BENCH)

lock: .venv/dev ## Resolve the versions again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra build pyproject.toml -o deploy/locks/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra build --extra dev pyproject.toml -o deploy/locks/dev.txt

clean: ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

.venv/runtime: deploy/locks/runtime.txt pyproject.toml
	@sh deploy/make-venv.sh $(PYTHON) runtime

.venv/dev: deploy/locks/dev.txt pyproject.toml
	@sh deploy/make-venv.sh $(PYTHON) dev
