"""The function ``bnnhw.explore``: many designs of a model, as estimates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.api.build import silent
from bnnhw.api.declared import declared
from bnnhw.api.exploration.plot import check_plot
from bnnhw.api.exploration.results import Exploration, check_results_file
from bnnhw.api.exploration.run import ExploreOptions, explore_model
from bnnhw.api.model_files import file_of
from bnnhw.compiler import ModelOptions
from bnnhw.verify.inputs import paths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bnnhw.api.declared import Numbers
    from bnnhw.api.exploration.question import Estimate
    from bnnhw.api.model_files import Model


def explore(
    model: Model,
    *,
    boards: Sequence[str] | str = (),
    fps: Sequence[float] | float = (),
    cycles: Sequence[int] | int = (),
    sweep: bool = False,
    clock_mhz: float | None = None,
    precisions: Sequence[Mapping[str, int]] = (),
    stream_bits: Sequence[int] | int = (),
    input_type: str | None = None,
    input_scale: Numbers = None,
    input_offset: Numbers = None,
    input_mean: Numbers = None,
    input_std: Numbers = None,
    sign_zero: str = "minus",
    calibrate: Sequence[str | Path] | str | Path = (),
    top_k: int = 0,
    verify: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    output: str | Path | None = None,
    plot: str | Path | None = None,
    example: Any = None,
    told: Callable[[Estimate], None] = lambda estimate: None,
    progress: Callable[[str], None] = silent,
) -> Exploration:
    """Estimates designs of a model for boards, targets and precisions; nothing is built.

    The front end runs once and the passes once per precision. Each design is then fitted in a
    process of its own. Ctrl-C ends it: the result has what there is, and ``complete`` is False.

    Args:
        model: as ``compile`` takes it.
        boards: names of boards, or paths of their descriptions; none takes all that ship.
        fps: targets in frames per second. Without any target, the fastest design that fits.
        cycles: targets in cycles per frame.
        sweep: whether the fastest design is made, and then those at the other paces of its curve
            that fit.
        clock_mhz: clock; each board's where None.
        precisions: alternatives, each bits by layer (its integer weights) or by any other node (its
            stream); an empty one is the default.
        stream_bits: alternatives in which all streams have one width.
        input_type: as for ``compile``, and so are the options that follow.
        input_scale: see ``compile``.
        input_offset: see ``compile``.
        input_mean: see ``compile``.
        input_std: see ``compile``.
        sign_zero: see ``compile``.
        calibrate: see ``compile``.
        top_k: see ``compile``.
        verify: whether each precision's integer graph is checked against onnxruntime, which gives
            how often its class is that in float.
        jobs: processes; one per core where None; 1 stays in this process.
        scheduler: address of a Dask scheduler whose workers take the place of processes.
        output: a file, .json or .csv, that always holds the estimates so far.
        plot: a file, .svg or .png, for a picture of FPS against LUTs.
        example: an input ``[N, ...]`` of a PyTorch module, for its export.
        told: told each estimate as it is made.
        progress: told the name of each step as it begins.

    Raises:
        BnnhwError: the model cannot become hardware, or an option is wrong. A design that does not
            fit is no error: its estimate says so.
    """
    options = ExploreOptions(
        boards=(boards,) if isinstance(boards, str) else tuple(map(str, boards)),
        fps=_several(fps),
        cycles=_several(cycles),
        sweep=sweep,
        clock_mhz=clock_mhz,
        precisions=tuple(precisions),
        stream_bits=_several(stream_bits),
        top_k=top_k,
        verify=verify,
        jobs=jobs,
        scheduler=scheduler,
        model=ModelOptions(**declared(locals()), calibrate=paths_of(calibrate)),
    )
    if output is not None:
        check_results_file(Path(output))
    if plot is not None:
        check_plot(Path(plot))

    def keep(estimate: Estimate, so_far: Exploration) -> None:
        if output is not None:
            so_far.save(output)
        told(estimate)

    with file_of(model, example) as path:
        found = explore_model(path, options, told=keep, progress=progress)
    if output is not None:
        found.save(output)
    if plot is not None:
        found.plot(plot)
    return found


def _several(given: Any) -> tuple[Any, ...]:
    """One or several numbers."""
    return (given,) if isinstance(given, (int, float)) else tuple(given)
