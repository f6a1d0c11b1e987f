"""`chainrule`: the command line. Data goes to stdout, messages to stderr.

Exit codes: 0 done, 1 a promise of chainrule did not hold, 2 bad usage, 3 bad data, 4 bad model file, 5 diverged,
130 interrupted, 141 nobody reads on.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

try:
    import click
except ImportError:  # the library alone does not need the application's packages
    sys.exit("The command line needs the application's packages: pip install 'chainrule[app]'")

SECTIONS = {
    "Train": {
        "fit": "chainrule.cli.fit:fit",
        "tune": "chainrule.cli.tune:tune",
        "cross-validate": "chainrule.cli.validate:cross_validate",
        "ensemble": "chainrule.cli.validate:ensemble",
        "learning-rate": "chainrule.cli.tune:learning_rate",
    },
    "Use": {
        "predict": "chainrule.cli.use:predict",
        "evaluate": "chainrule.cli.use:evaluate",
        "show": "chainrule.cli.use:show",
        "report": "chainrule.cli.use:report",
    },
    "Understand": {
        "explain": "chainrule.cli.use:explain",
        "diagnose": "chainrule.cli.diagnose:diagnose",
        "plot": "chainrule.cli.plot:plot",
        "activations": "chainrule.cli.catalogs:activations",
        "check": "chainrule.cli.catalogs:check",
    },
    "Learn and teach": {
        "example": "chainrule.cli.course:example",
        "boolean": "chainrule.cli.course:boolean",
        "demonstrate": "chainrule.cli.course:demonstrate",
        "exercise": "chainrule.cli.course:exercise",
        "mark": "chainrule.cli.course:mark",
    },
}
COMMANDS = {name: place for section in SECTIONS.values() for name, place in section.items()}


class Commands(click.Group):
    """Commands by name, each loaded when it is called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, function = COMMANDS[name].split(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end with 1, which here says that a promise did not hold
            raise click.exceptions.Exit(_nobody_reads()) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, _first_sentence(self.get_command(ctx, name))) for name in names])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from chainrule.errors import nearest

            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


def _first_sentence(command: click.Command | None) -> str:
    """What a command does, whole: click would cut it after 45 letters."""
    assert command is not None and command.help is not None
    return " ".join(command.help.split("\n\n")[0].split())


EXIT_CODES = (
    "Exit codes: 0 done, 1 a promise of chainrule did not hold, 2 bad usage, 3 bad data, 4 bad model file, 5 diverged, "
    "130 interrupted. Results go to stdout, messages to stderr; every command knows --json."
)


@click.group(cls=Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chainrule")
def cli() -> None:
    """Neural networks with the working shown: train on a table, and ask why for any number."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; an error is one message, never a traceback."""
    try:
        code = cli.main(args=arguments, prog_name="chainrule", standalone_mode=False)
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.ClickException as wrong:
        code = _report_usage(wrong, arguments)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    except ValueError as error:
        code = _report(error, arguments)
    sys.exit(code if isinstance(code, int) else 0)


def _nobody_reads() -> int:
    """The code of a program whose reader has gone (`| head`), as the shell gives it; nothing more is written."""
    gone = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(gone, stream.fileno())
    return 128 + 13


def _wants_json(arguments: list[str] | None) -> bool:
    return "--json" in (sys.argv if arguments is None else arguments)


def _report_usage(wrong: click.ClickException, arguments: list[str] | None) -> int:
    """Click's own words about an option or argument, in the form of every other error."""
    if isinstance(wrong, click.exceptions.NoArgsIsHelpError):
        wrong.show()
        return wrong.exit_code
    from chainrule.errors import SettingError

    context = getattr(wrong, "ctx", None)
    where = "chainrule" if context is None else context.command_path
    what = wrong.format_message().rstrip(".")
    says_enough = "Did you mean" in what or type(wrong) is click.BadParameter
    hint = None if says_enough else _columns(wrong) or f"{where} --help"
    return _report(SettingError("CR211", what[:1].lower() + what[1:], where=where, hint=hint), arguments)


def _columns(wrong: click.ClickException) -> str | None:
    """Where only the target is missing: the columns that it may be. A large file is not read for that."""
    if not isinstance(wrong, click.MissingParameter) or wrong.ctx is None or wrong.param is None:
        return None
    path = wrong.ctx.params.get("data")
    if wrong.param.name != "targets" or not path or not os.path.isfile(path) or os.path.getsize(path) > 1e8:
        return None
    from chainrule.data.files import read_table
    from chainrule.data.table import listing
    from chainrule.errors import ChainruleError

    try:
        names = read_table(path).names
    except ChainruleError:
        return None
    return f"--target and one of its columns: {listing(names)}"


def _report(error: ValueError, arguments: list[str] | None) -> int:
    from chainrule.errors import ChainruleError

    if not isinstance(error, ChainruleError):
        raise error
    if _wants_json(arguments):
        import json

        click.echo(json.dumps({"error": error.to_dict()}, indent=2, ensure_ascii=False))
    else:
        from chainrule.cli.options import as_options

        typed = sys.argv[1:] if arguments is None else arguments
        command = cli.get_command(click.Context(cli), typed[0]) if typed else None
        click.echo(f"error: {as_options(str(error), command or cli)}", err=True)
    return error.exit_code


if __name__ == "__main__":
    main()
