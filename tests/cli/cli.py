#!/usr/bin/env python3
"""Run the command as a user would, and look at what it left.  usage: cli.py PROGRAM; TAP."""

from __future__ import annotations

import sys

import more
import outputs
import pages
import samples
import surface
import teams
import texts
import verbs
import zsh
from world import CONNINFO, run_cases

# Importing them registers their cases.
MODULES = [verbs, texts, more, outputs, surface, pages, samples, teams, zsh]

if __name__ == "__main__":
    if not CONNINFO:
        sys.exit("BM_TEST_POSTGRESQL is not set")
    sys.exit(0 if run_cases(sys.argv[1]) else 1)
