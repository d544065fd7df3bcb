"""The verb ``bench``: measures; ``bench compare`` and ``bench report`` read what it wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import CspineError, ExitCode, UsageError
from ..slice_files import find_slices
from .options import (
    MODEL_HELP,
    JsonOption,
    OverwriteOption,
    SeedOption,
    WindowOption,
    examples,
    print_json,
    say,
    shipped_names,
    show,
)

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def register(app: typer.Typer) -> None:
    """Add the verb to the command line, and the two that go with it."""
    app.command(
        "bench",
        epilog=examples(
            "cspine-edge bench --quick",
            "cspine-edge bench model.tflite --threads 1,2,4 --out board.json",
            "cspine-edge bench --sustained 30m --images ct --out heat.json",
        ),
    )(bench)
    app.command(
        "bench compare",
        epilog=examples(
            "cspine-edge bench compare before.json after.json",
            "cspine-edge bench compare pi4.json pi5.json --across machine,clock",
        ),
    )(compare)
    app.command(
        "bench report",
        epilog=examples("cspine-edge bench report pi4.json pi5.json --out boards.html"),
    )(report)


def _model_or_verb(context: typer.Context, incomplete: str) -> list[str]:
    """Complete what follows ``bench``: a shipped model's name or, next to it, the second word of the other two."""
    sources = (context.get_parameter_source(name) for name in context.params)
    is_next = not any(source is not None and source.name == "COMMANDLINE" for source in sources)
    verbs = [verb for verb in ("compare", "report") if is_next and verb.startswith(incomplete)]
    return shipped_names(incomplete) + verbs


def parse_duration(text: str) -> float:
    """Read a duration such as ``90s``, ``30m`` or ``1h``; give it in seconds.

    Raises
    ------
    UsageError
        If it is another text, or of no length.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"'{text}' is no duration such as 90s, 30m or 1h")
    return seconds


def bench(
    model: Annotated[
        Path | None, typer.Argument(metavar="[MODEL]", help=MODEL_HELP, autocompletion=_model_or_verb)
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N,N",
            help="Thread counts to compare; whole slices, cold start and memory use the first. "
            "By default as many as 'predict' uses, and 1.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.0, help="Least seconds of timed inference per thread count [5]."),
    ] = None,
    runs: Annotated[
        int | None, typer.Option("--runs", min=1, help="Least number of inferences per thread count [100].")
    ] = None,
    at_most: Annotated[
        float | None,
        typer.Option(
            "--at-most",
            min=0.0,
            metavar="SECONDS",
            help="Go on until the 95 % interval of p90 is within 5 % of it, or for so many seconds [60].",
        ),
    ] = None,
    sustained: Annotated[
        Any,  # a number of seconds or None
        typer.Option(
            "--sustained",
            parser=parse_duration,
            metavar="TIME",
            help="At the end run without a pause for so long, e.g. 90s, 30m, 1h, with temperature, clock, throttling "
            "and energy where the board has sensors. Ctrl-C keeps what was measured.",
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="Time whole slices on this file or folder; repeatable. By default on synthetic slices.",
        ),
    ] = None,
    window: WindowOption = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Rough figures in about two seconds, without waiting for a cool board."),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the report here, as JSON.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    seed: SeedOption = 0,
) -> None:
    """Measure latency, stages, cold start and memory here.

    See also 'bench compare' and 'bench report'.
    """
    from ..bench import bench as measure
    from ..files import refuse_unwritable
    from ..runtime import default_threads
    from ..sweep import Rules

    if out is not None:  # said now rather than after the work
        refuse_unwritable(out, overwrite=overwrite)
    least_s = (0.2 if quick else 5.0) if seconds is None else seconds
    most_s = at_most if at_most is not None else None if quick else max(60.0, least_s)
    report = measure(
        model,
        threads=tuple(dict.fromkeys((default_threads(), 1))) if threads is None else _parse_threads(threads),
        rules=Rules(
            least_s=least_s,
            least_runs=(20 if quick else 100) if runs is None else runs,
            most_s=most_s,
            warmup=3 if quick else 20,
        ),
        images=find_slices(images) if images else None,
        seed=seed,
        window=window,
        cold_starts=1 if quick else 3,
        cool_first=not quick,
        sustained_s=sustained,
        log=lambda line: say(line, err=as_json),
    )
    try:  # neither a closed terminal nor a full disk loses the other
        _show(report, as_json)
    finally:
        if out is not None:
            report.save(out, overwrite=overwrite)


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Report of a bench, written with --out.")],
    b: Annotated[
        Path, typer.Argument(metavar="B", help="Another; the ratio is B over A, so below 1 B is faster.")
    ],
    across: Annotated[
        str | None,
        typer.Option(
            "--across",
            metavar="WHAT,WHAT",
            help="What may differ besides the model, since it is what you compare: machine, mode, clock, runtime, "
            "kernels.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the ratio of two benches' latencies.

    It has an interval; unlike conditions are refused.
    """
    from ..bench_compare import compare as compare_reports
    from ..bench_report import read_report

    conditions = _parse_conditions(across)
    _show(compare_reports(read_report(a), read_report(b), across=conditions), as_json)


def report(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Reports of benches, written with --out.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write it here: Markdown or, as .html, a page with plots of sustained load."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make one table of many benches, as Markdown or as a page."""
    from ..bench_listing import markdown, rows_of, write_listing
    from ..bench_report import read_report
    from ..documents import encode

    found = []
    for path in files:
        try:
            found.append((path.name, read_report(path)))
        except CspineError as error:
            say(f"error: {error}", err=True)
    if found and out is not None:
        write_listing(out, found, overwrite=overwrite)
    if as_json:
        print_json(encode(rows_of(found)))
    elif found and out is None:
        say(*markdown(found).removesuffix("\n").split("\n"))
    if len(found) < len(files):
        raise typer.Exit(int(ExitCode.BAD_INPUT))


def _show(result: Any, as_json: bool) -> None:
    if as_json:
        print_json(result.to_json())
    else:
        show(result)


def _parse_threads(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= 64 for count in counts):
        raise UsageError(f"--threads {text!r} is not a list of numbers from 1 to 64, such as 1,2,4")
    return counts


def _parse_conditions(text: str | None) -> tuple[Any, ...]:
    from ..bench_compare import Condition

    try:
        return tuple(Condition(part.strip()) for part in (text or "").split(",") if text)
    except ValueError:
        names = ", ".join(condition.value for condition in Condition)
        raise UsageError(f"--across {text!r} is not a list of some of {names}") from None
