#!/usr/bin/env python3
"""Run the command as a user would, and look at what it left.  TAP.

usage: cli.py PROGRAM [WORD...]: the cases that have one of these words in their names, or all
"""

from __future__ import annotations

import sys

import cell_values
import command_line
import copy_to
import create_table
import csv_input
import dialects
import error_places
import inspect_file
import line_numbers
import manual_pages
import ndjson_input
import output_files
import output_forms
import output_text
import passwords
import queries
import ragged_rows
import rejects
import resuming
import returning
import samples
import spellings
import sync
import transactions
import verbs
import workers
import zsh_completion
from world import CONNINFO, run_cases

# Importing them registers their cases.
MODULES = [
    verbs,
    sync,
    csv_input,
    dialects,
    spellings,
    error_places,
    inspect_file,
    ragged_rows,
    create_table,
    cell_values,
    ndjson_input,
    line_numbers,
    copy_to,
    output_text,
    output_files,
    output_forms,
    returning,
    passwords,
    queries,
    rejects,
    resuming,
    transactions,
    command_line,
    manual_pages,
    samples,
    workers,
    zsh_completion,
]


if __name__ == "__main__":
    if not CONNINFO:
        sys.exit("BM_TEST_POSTGRESQL is not set")
    sys.exit(0 if run_cases(sys.argv[1], sys.argv[2:]) else 1)
