"""Run every benchmark of the speed table and print one row a bar. --strict: exit with 1 when a bar is missed."""

from __future__ import annotations

import agents
import artifact_file
import bundle
import captures
import cli_cold
import connect
import curves_page
import init_close
import list_tasks
import many_processes
import mlflow_import
import plots
import read_scalars
import report_scalar
import task_environment
import web
from _harness import main

import sync

if __name__ == "__main__":
    main(
        report_scalar.measure,
        artifact_file.measure,
        bundle.measure,
        init_close.measure,
        captures.measure,
        cli_cold.measure,
        connect.measure,
        list_tasks.measure,
        read_scalars.measure,
        plots.measure,
        many_processes.measure,
        mlflow_import.measure,
        task_environment.measure,
        agents.measure,
        sync.measure,
        web.measure,
        curves_page.measure,
    )
