# Every target sets up what it needs in .venv; a second run finds it there.
PYTHON ?= python3
UV := 0.13.8
ARGS ?=
KERNELS ?= 6.31 7.3 7.4

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --upgrade pyproject.toml

.DELETE_ON_ERROR:
.PHONY: help demo test soak bench lint kernels app lab lock clean

help:
	@echo "make demo    real sample recordings: ingested, processed, found, downloaded, verified"
	@echo "make test    the tests; make test ARGS='-k name' for some of them"
	@echo "make soak    the long tests"
	@echo "make bench   the benchmarks"
	@echo "make kernels the tests of notebooks on ipykernel $(KERNELS)"
	@echo "make lint    ruff and mypy"
	@echo "make app     the page in a browser, on the site of make demo if it is there"
	@echo "make lab     JupyterLab with the notebooks, on the site of make demo if it is there"
	@echo "make lock    newest versions into locks/"
	@echo "make clean   removes .venv and caches"

demo: .venv/.core
	$(BIN)/ursa demo $(ARGS)

test: .venv/.dev
	$(PYTEST) -n 3 --dist loadgroup -m "not soak and not bench" $(ARGS)

soak: .venv/.dev
	HYPOTHESIS_PROFILE=soak $(PYTEST) -n 2 -m soak --timeout 3600 $(ARGS)

bench: .venv/.bench
	$(BIN)/python -m tests.benchmarks $(ARGS)

# Each of these sees what .venv has, and its own ipykernel before that.
kernels: $(KERNELS:%=kernel-%)

kernel-%: .venv/.dev
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/kernel-$*
	@$(BIN)/uv pip install -q --no-deps --python .venv/kernel-$*/bin/python 'ipykernel==$*.*' nest-asyncio
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$(.venv/kernel-$*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	PATH="$(CURDIR)/.venv/bin:$$PATH" URSA_IPYKERNEL=$* JUPYTER_PATH=$(CURDIR)/.venv/share/jupyter \
		JUPYTERLAB_DIR=$(CURDIR)/.venv/share/jupyter/lab \
		.venv/kernel-$*/bin/python -m pytest -m kernels -p no:cacheprovider $(ARGS)

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

app: .venv/.jupyter
	URSA_SITE="$${URSA_SITE:-$(wildcard $(CURDIR)/ursa-demo/site)}" $(BIN)/ursa serve $(ARGS)

lab: .venv/.jupyter
	URSA_SITE="$${URSA_SITE:-$(wildcard $(CURDIR)/ursa-demo/site)}" $(BIN)/jupyter lab --notebook-dir=notebooks $(ARGS)

# The other locks take their versions from the first, so all of them fit into one .venv.
lock: .venv/.uv-$(UV)
	$(COMPILE) --extra formats --extra jupyter --extra panel --group dev -o locks/dev.txt
	$(COMPILE) --extra formats --extra jupyter --extra panel --group dev --group bench -c locks/dev.txt -o locks/bench.txt
	$(COMPILE) --extra formats --group build -c locks/dev.txt -o locks/core.txt
	$(COMPILE) --extra formats --extra jupyter --extra panel --group build -c locks/dev.txt -o locks/jupyter.txt

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find ursa tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.%: locks/%.txt pyproject.toml .venv/.uv-$(UV)
	@$(BIN)/uv pip install -q --python $(BIN)/python -r $<
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/.uv-$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Ursa needs Python 3.11 or newer and '$(PYTHON)' is not: try 'make PYTHON=python3.12 ...'." >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@touch $@
