# Everything runs in .venv, which each target makes and fills as needed.
PYTHON ?= python3
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
# What the installation depends on: a change of any of these installs again.
STAMP := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt setup.py src/shiftassay/kernels/*.?pp 2>/dev/null | cksum | cut -d' ' -f1)
export MPLBACKEND := Agg
export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/$(VENV)/pyright
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: study test test-all setup results trials tables claims docs example bench bench-gpu paths protocol startup playground diagnosis-benchmark calibrate diagnosis-speed coverage type-one-errors pairing permutations torture beside sizes clean

study: setup
	@$(BIN)/shiftassay run shifted-test-sets $(if $(QUICK),--quick) $(if $(FULL),--full)

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not torture" $(PYTEST_FLAGS)

# What is too slow for every change. 5 is pytest's word for no such tests.
test-all: setup
	$(BIN)/pytest -n 2 -m torture $(PYTEST_FLAGS) || test $$? -eq 5
	$(BIN)/python -m benchmarks.torture --share 0.1

# Kills, power cuts, full disks, commands side by side and damage, at full length. Wants root, mount, unshare and strace, and says what it lacks.
torture: setup
	$(BIN)/python -m benchmarks.torture --json docs/results/torture.json

# The long trainings of spatial-attention, kept as data: ARGUMENTS='--minutes 90' for a sitting. 14 hours of two cores from nothing.
trials: setup
	$(BIN)/python -m benchmarks.trials $(ARGUMENTS)

# The committed results: every seed of the studies, then README's tables from them.
results: setup trials
	$(BIN)/shiftassay run shifted-test-sets --full --json docs/results/shifted-test-sets.json
	$(BIN)/shiftassay run shifted-test-sets-2 --full --json docs/results/shifted-test-sets-2.json
	$(BIN)/shiftassay run spatial-attention --full --json docs/results/spatial-attention.json
	cp out/studies/spatial-attention-full/figures/reproduction.svg docs/spatial-attention.svg
	$(MAKE) tables

# Seconds an epoch, ours beside others; nothing else should run meanwhile.
bench: setup
	$(BIN)/python -m benchmarks.speed

bench-gpu: setup
	$(BIN)/python -m benchmarks.speed_gpu

# Whether the native path learns what plain PyTorch learns, over seeds.
paths: setup
	$(BIN)/python -m benchmarks.paths

# Seed 003's protocol in plain PyTorch, beside the native path: three core-hours. The same command goes on where it was stopped.
protocol: setup
	$(BIN)/python -m benchmarks.protocol

# README's example, as its commands print it.
example: setup
	$(BIN)/python -m benchmarks.example

# How long the command line keeps people waiting.
startup: setup
	$(BIN)/python -m benchmarks.startup

# How soon the playground answers a change.
playground: setup
	$(BIN)/python -m benchmarks.playground

# Whether diagnoses are right, on shifts made by other code than ours. SEED=N, 1000 or more: a test, whose seed is used once, for docs/diagnosis.md,
# and NULLS=M as well: one of false alarms.
# Otherwise a look while developing: ARGUMENTS='--seed 7 --counts paired=40 null=40', or '--listed --seed 13' for the listed cases of old.
diagnosis-benchmark: setup
ifdef SEED
	$(BIN)/python -m benchmarks.diagnosis --seed $(SEED) --counts paired=200 compositions=100 triples=20 unpaired=100 unknown=80 left_out=40 small=100 --workers 2 --json docs/results/diagnosis-drawn.json
ifdef NULLS
	$(BIN)/python -m benchmarks.diagnosis --seed $(NULLS) --counts null=800 --workers 2 --json docs/results/diagnosis-drawn-nulls.json
endif
	$(MAKE) tables
else
	$(BIN)/python -m benchmarks.diagnosis $(or $(ARGUMENTS),--seed 0 --counts paired=53 compositions=40 null=20 --workers 2)
endif

# Penalties and confidence, fitted on cases that no benchmark uses: writes src/shiftassay/diagnosis/calibration.json.
calibrate: setup
	$(BIN)/python -m benchmarks.calibrate

# How often intervals of parameters hold the truth, on shifts made by other code than ours.
coverage: setup
	$(BIN)/python -m benchmarks.coverage $(or $(ARGUMENTS),--seed 1017 --json docs/results/coverage.json)

# How often image sets are called paired that are not, and how often those that are. ARGUMENTS='--seed 1' for another sample.
pairing: setup
	$(BIN)/python -m benchmarks.pairing $(or $(ARGUMENTS),--seed 1302 --foreign 3240 --partly 200 --related 352 --json docs/results/pairing.json)

# Which places of shared permutations are put right, and which the images don't tell.
permutations: setup
	$(BIN)/python -m benchmarks.permutations --json docs/results/permutations.json

# How often the tests and intervals over seeds err, simulated.
type-one-errors: setup
	$(BIN)/python -m benchmarks.type_one_errors --json docs/results/type-one-errors.json

# How long a diagnosis takes; nothing else should run meanwhile.
diagnosis-speed: setup
	$(BIN)/python -m benchmarks.diagnosis_speed

# How long a diagnosis of photographs takes by their side and number; nothing else should run meanwhile.
sizes: setup
	$(BIN)/python -m benchmarks.sizes

# How long a diagnosis takes beside four other commands; nothing else should run meanwhile.
beside: setup
	$(BIN)/python -m benchmarks.beside --json docs/results/beside.json

tables: setup
	$(BIN)/python -m benchmarks.tables

# Whether README and docs say what docs/results says, by code that shares nothing with what it examines.
claims: setup
	$(BIN)/python benchmarks/claims.py

# The documentation site, in site/: open site/index.html.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

setup: $(STAMP)

# Some Pythons come without ensurepip (Debian's, without python3-venv): there the machine's own pip fills the venv.
$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 2; }
	@test -x $(BIN)/pip || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV) 2>/dev/null; } || \
	  { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@rm -f $(VENV)/.installed-*; touch $@

clean:
	rm -rf $(VENV) out build dist site
