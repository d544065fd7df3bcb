"""The command line as typer builds it."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from .. import __version__
from . import VERBS


class _Verbs(TyperGroup):
    """Commands of one word or of two: ``bench compare A B`` is "bench compare", and ``bench ./compare`` a model."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        two_words = " ".join(args[:2])
        return super().resolve_command(ctx, [two_words, *args[2:]] if two_words in self.commands else args)


class _Verb(TyperCommand):
    """A verb whose arguments are in capitals, those that may be left out in brackets; braces would be a choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if parameter.param_type_name == "argument" and parameter.metavar is None:
                parameter.metavar = str(parameter.name).upper()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


def _version(value: bool) -> None:
    if value:
        typer.echo(f"cspine-edge {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def command_line(verbs: tuple[str, ...] = VERBS) -> typer.Typer:
    """Put the command line together from these verbs; no other is imported."""
    app = typer.Typer(
        name="cspine-edge",
        cls=_Verbs,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Cervical-spine-fracture CT classifiers as verified int8 models on small devices.\n\n"
        "Research use only. Not a medical device.\n\n"
        "Exit codes: 0 done or passed, 1 the gate failed, 2 wrong usage, 3 too little evidence to decide, "
        "4 bad input, 5 a missing extra, 130 ended by Ctrl-C, 141 by a closed pipe, 143 by SIGTERM.",
    )
    app.callback()(_root)
    for verb in verbs:
        importlib.import_module(f".{verb}", __package__).register(app)
    for group in (app, *(entry.typer_instance for entry in app.registered_groups if entry.typer_instance)):
        for command in group.registered_commands:
            command.cls = _Verb
    return app
