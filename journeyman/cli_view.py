"""`journeyman view`: runs, episodes and tasks in the browser."""

from __future__ import annotations

import socket
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.text import Text
from starlette.types import ASGIApp

from journeyman.cli_common import RUNS, CannotError, RunOption, find_run, find_runs, person
from journeyman.cli_task import find_tasks
from journeyman.envs.guidelines.guideline import GuidelineError, bundled, load_guideline
from journeyman.tasks.harbor import bundled_tasks
from journeyman.terminal import line, out
from journeyman.viewer.app import viewer
from journeyman.viewer.example import example_run
from journeyman.viewer.feedback import Reviewing
from journeyman.viewer.found import found_task

HOST = "127.0.0.1"


def view(
    run: RunOption = None,
    tasks: Annotated[
        str | None, typer.Option("--tasks", metavar="FOLDER", help="Tasks to show. Default: the bundled library.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 8765,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    example: Annotated[
        bool, typer.Option("--example", help="Show the recorded example. So does a folder without runs.")
    ] = False,
    annotator: Annotated[
        str | None,
        typer.Option(
            "--annotator",
            metavar="NAME",
            help="Review as NAME: pages hide reward, verdict, policy and what others said. Default: the login name, "
            "and nothing is hidden.",
        ),
    ] = None,
    guideline: Annotated[
        list[str] | None,
        typer.Option("--guideline", metavar="FILE", help="A guideline whose items can be chosen beside the bundled."),
    ] = None,
) -> None:
    """Look at runs, episodes and tasks in the browser; Ctrl-C ends it. Only this machine can ask for the pages."""
    only = None if run is None else find_run(run)
    chosen = bundled_tasks() if tasks is None else find_tasks(tasks)
    reviewing = _reviewing(annotator, guideline or [])
    with example_run() as recorded:

        def runs() -> dict[str, Path]:
            if only is not None:
                return {only.name: only}
            own = {} if example else {_name(folder): folder for folder in find_runs()}
            return own or {recorded.name: recorded}

        if recorded in runs().values():
            why = "" if example else f"no runs in ./{RUNS} yet, so "
            told = f"{why}here is the recorded example, and what is said of it goes when this ends"
            out.print(f"{told}; `journeyman run TASK` makes a run", soft_wrap=True)
        _serve(viewer(runs, lambda: chosen, task_of=found_task, reviewing=reviewing), port, browser)


def _reviewing(annotator: str | None, files: list[str]) -> Reviewing:
    name = "" if annotator is None else person("--annotator", annotator)
    try:
        read = [load_guideline(name) for name in (*bundled(), *files)]
    except GuidelineError as error:
        raise CannotError(f"--guideline {error}") from error
    return Reviewing(name, {guideline.name: guideline for guideline in read})


def _serve(app: ASGIApp, port: int, browser: bool) -> None:
    listener = listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    out.print(Text.assemble("Journeyman's pages: ", (address, "bold cyan"), "  (Ctrl-C ends this)"), soft_wrap=True)
    if browser:
        with suppress(webbrowser.Error):
            webbrowser.open(address)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with listener, suppress(KeyboardInterrupt):  # the way to end it
        server.run(sockets=[listener])


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # who asks before the server stands waits for it
    except OSError as error:
        listener.close()
        raise CannotError(f"--port {port}: {error.strerror}; --port 0 takes a free one") from error
    return listener


def _name(folder: Path) -> str:
    """A run's name in addresses: its place below ./runs."""
    return line("/".join(folder.parts[1:]))
