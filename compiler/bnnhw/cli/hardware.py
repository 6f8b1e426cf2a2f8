"""The commands on a build's hardware: ``bnnhw simulate`` and ``bnnhw synth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import bnnhw
from bnnhw.cli.options import (
    BuildDir,
    Grey,
    Inputs,
    Json,
    Labels,
    Quiet,
    Resize,
    Scores,
    Verbose,
    cycles_range,
)
from bnnhw.cli.output import amount, out, print_json, print_notes
from bnnhw.cli.steps import named_steps


def simulate(
    build: BuildDir,
    inputs: Inputs = None,
    frames: Annotated[
        int | None, typer.Option(help="Frames to simulate; default all inputs, or 3 random.")
    ] = None,
    output: Scores = None,
    idle: Annotated[float, typer.Option(help="Share of cycles without input, 0 to 0.95.")] = 0.0,
    back_pressure: Annotated[
        float, typer.Option(help="Share of cycles without readiness for output, 0 to 0.95.")
    ] = 0.0,
    memory_latency: Annotated[
        str | None,
        typer.Option(help="LEAST:MOST cycles until weights come from memory; default 20:150."),
    ] = None,
    wave: Annotated[bool, typer.Option("--wave", help="Record all signals, as FST.")] = False,
    wave_frames: Annotated[
        int | None, typer.Option(help="Record so many frames, from the first on; default all.")
    ] = None,
    hls: Annotated[
        bool, typer.Option("--hls", help="Run the HLS C++ on the same frames too.")
    ] = False,
    probe: Annotated[
        list[str] | None,
        typer.Option(help="A layer whose results are compared too, or all; repeatable."),
    ] = None,
    streams: Annotated[
        bool, typer.Option("--streams", help="List what each internal stream did.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write what was compared to this file, as JUnit XML.")
    ] = None,
    labels: Labels = None,
    resize: Resize = False,
    grey: Grey = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Simulate a build's Verilog cycle by cycle and compare it with the interpreter."""
    from bnnhw.api.scores_file import check_scores_file, write_scores
    from bnnhw.report.simulation_table import print_checks, print_simulation

    latency = cycles_range(memory_latency, "--memory-latency")
    check_scores_file(output)
    opened = bnnhw.open(build)
    names = opened.names_of_classes(labels)
    given = None
    if inputs:
        given = opened.read(inputs, resize=resize, grey=grey, class_names=labels)
        print_notes(given.notes, quiet=quiet)
    if wave:
        count = frames or (None if given is None else len(given.x))
        recorded = min(wave_frames or count, count) if count else wave_frames
        size = opened.wave_bytes(recorded, pauses=min(max(idle, back_pressure), 0.95))
        print_notes([f"all signals are recorded: about {amount(size)}"], quiet=quiet)
    with named_steps(quiet=quiet or as_json, verbose=verbose) as progress:
        result = opened.simulate(
            given,
            frames=frames,
            idle=idle,
            back_pressure=back_pressure,
            memory_latency=latency,
            wave=wave,
            wave_frames=wave_frames,
            hls=hls,
            probes=probe or (),
            check=False,
            progress=progress,
        )
    if output is not None:
        write_scores(
            output,
            result.scores,
            result.classes,
            names=() if given is None else given.names,
            class_names=names,
            top_k=opened.manifest["output"]["top_k"],
        )
    if junit is not None:
        from bnnhw.report.junit import junit_xml

        junit.write_text(junit_xml(opened.report["model"], result.checks), encoding="utf-8")
    if as_json:
        print_json({**result.to_json(), "class_names": names})
    elif quiet:
        print_checks(result.checks)
    else:
        print_simulation(out, result, opened.report["clock_mhz"], names, streams=streams)
    opened.require_exact(result)


def synth(
    build: BuildDir,
    inputs: Inputs = None,
    frames: Annotated[
        int | None,
        typer.Option(help="Frames to simulate the netlist on; the inputs, or 3 random ones."),
    ] = None,
    resize: Resize = False,
    grey: Grey = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Skip the simulation of the netlist.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Synthesise a build with Yosys and record its resources in the report.

    The netlist is simulated on a few frames: every score must be the interpreter's.
    """
    from bnnhw.report.simulation_table import print_checks, print_synthesis

    opened = bnnhw.open(build)
    given = None
    if inputs:
        given = opened.read(inputs, resize=resize, grey=grey)
        print_notes(given.notes, quiet=quiet)
    with named_steps(quiet=quiet or as_json, verbose=verbose) as progress:
        result = opened.synthesise(
            given, frames=frames, verify=not no_verify, check=False, progress=progress
        )
    report = opened.report
    if as_json:
        verification = [check.to_json() for check in result.checks]
        parts = {name: report[name] for name in ("resources", "synthesis")}
        print_json({**parts, "verification": verification})
    elif quiet:
        print_checks(result.checks)
    else:
        print_synthesis(out, report, result.synthesis, result.checks)
    opened.require_exact(result)
