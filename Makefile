# The two commands are ./run and ./test; they need no make. These are the developers' other verbs.
.DEFAULT_GOAL := help
.PHONY: help start test sure bench-uploads bench-duties bench-next bench-bulk bench-receipts bench-all fmt lock words pictures clean

BIN := .venv/bin
UV := UV_CACHE_DIR=var/cache/uv UV_SYSTEM_CERTS=true .venv-tools/bin/uv
LOCK := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header
WORDS := config/translations

# Reads this very file: "## " begins a section, "verb: … # " a line of it.
help:
	@awk '/^##/ { print "\n" substr($$0, 4) } /^[a-z-]+:.*# / { split($$0, part, ":.*# "); printf "  make %-14s %s\n", part[1], part[2] }' Makefile

## Every day
start: # install what is missing and run the counter (./run)
	@./run

test: # install what is missing and run every test (./test)
	@./test

## Before a commit
sure: $(BIN)/pytest # formatting, lint, types, import contracts, tests
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

fmt: $(BIN)/pytest # let ruff lay the code out and mend what it can
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

## Measure
bench-uploads: $(BIN)/pytest # what an upload costs, beside bare limits; writes var/bench/uploads.json
	$(BIN)/python -m tests.bench.uploads

bench-duties: $(BIN)/pytest # opening a month's duties for 6,000 households, beside a bare insert
	$(BIN)/python -m tests.bench.duties

bench-next: $(BIN)/pytest # from the key that decides to the next item on the screen, beside the 100 ms allowed
	$(BIN)/python -m tests.bench.next_item

bench-bulk: $(BIN)/pytest # 200 reports accepted as one act, beside bare commits; writes var/bench/bulk.json
	$(BIN)/python -m tests.bench.bulk

bench-receipts: $(BIN)/pytest # 1,000 receipts issued, drawn and signed, beside typst alone; writes var/bench/receipts.json
	$(BIN)/python -m tests.bench.receipts

bench-all: bench-uploads bench-duties bench-next bench-bulk bench-receipts # every measurement

## Now and then
lock: .venv-tools/bin/uv # choose the newest allowed versions and write config/lock anew
	$(LOCK) pyproject.toml -o config/lock/run.txt
	$(LOCK) --extra test pyproject.toml -o config/lock/test.txt
	echo uv | $(LOCK) - -o config/lock/tools.txt

words: $(BIN)/pytest # collect the Japanese sentences of the pages and bring every catalogue up to date
	$(BIN)/pybabel extract --mapping pyproject.toml --project Madoguchi --copyright-holder "the Madoguchi authors" \
		--keyword lazy_gettext --add-comments "words:" --sort-by-file --no-location -o $(WORDS)/messages.pot config portal shared staff
	set -e; for folder in $(wildcard $(WORDS)/*/); do \
		$(BIN)/pybabel update --no-fuzzy-matching -i $(WORDS)/messages.pot -d $(WORDS) -l $$(basename $$folder); done

pictures: $(BIN)/pytest # take the README's screenshots again
	$(BIN)/python -m tests.pictures

clean: # remove what tools left behind; the data in var/ stays
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# ./test installs everything the verbs above need.
.venv-tools/bin/uv $(BIN)/pytest:
	@./test --version
