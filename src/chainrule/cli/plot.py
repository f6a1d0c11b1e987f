"""`chainrule plot`: any picture of a model, a run or an activation, into a file."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

from chainrule.archive import check_writable
from chainrule.cli import options, output
from chainrule.errors import SettingError, unknown_name
from chainrule.model import load
from chainrule.plots import PLOTS, STYLES, Plot, descent_frames, save, style

PICTURES = (".svg", ".png", ".pdf")


@click.command(cls=options.Command)
@click.argument("name", required=False)
@click.argument("subject", required=False, type=click.Path())
@click.argument("data", required=False, type=click.Path())
@click.option("--of", "of", multiple=True, help="What of it: an address, a column, …; the list says what.")
@click.option("--row", type=int, help="For `network`: the row of the file, from 0.")
@click.option("--style", "look", type=click.Choice(list(STYLES)), default="light", show_default=True)
@click.option(
    "--out", type=click.Path(), help="A .svg, .png or .pdf file; .gif for a film of a descent (error-surface)."
)
@options.reading
@options.as_json
def plot(
    name: str | None, subject: str | None, data: str | None, of: tuple[str, ...], row: int | None, look: str,
    out: str | None, as_json: bool, **reading: Any,
) -> None:  # fmt: skip
    """Draw a picture of a model, of a run's folder, or of activations. Without a name: the list of pictures.

    SUBJECT is a .model file or the folder of a run, DATA a file with the rows to draw (a run knows its own).
    """
    if name is None:
        _list(as_json)
        return
    if name not in PLOTS:
        raise unknown_name("picture", name, PLOTS)
    chosen = PLOTS[name]
    target = Path(out or f"{name}.svg")
    is_film = target.suffix.lower() == ".gif" and name == "error-surface"
    if target.suffix.lower() not in PICTURES and not is_film:
        allowed = "a name in .svg, .png or .pdf" + (", or .gif" if name == "error-surface" else "")
        raise SettingError(
            "CR204", "pictures are not written like this", where="--out", expected=allowed, got=str(target)
        )
    options.check_out(target, tuple(one for one in (subject, data) if one), refused=(".model",), usual=".svg")
    check_writable(target)
    arguments = _arguments(name, chosen, subject, data, reading)
    asked = _asked(chosen, of, row)
    with style(look):
        if is_film:
            _film(arguments, asked, target)
        else:
            figure = chosen.draw(*arguments, **asked).get_figure()
            assert figure is not None
            save(figure, target)  # type: ignore[arg-type]
    output.say(f"{name}: {target}")
    if as_json:
        output.data({"picture": name, "out": str(target)})


def _list(as_json: bool) -> None:
    if as_json:
        output.data({
            name: {"of": one.of, "subject": one.subject, "about": one.about} for name, one in PLOTS.items()
        })  # fmt: skip
        return
    for name, one in PLOTS.items():
        click.echo(f"{name.ljust(20)}{one.subject}" + (f"; --of {one.of}" if one.of else ""))
        click.echo(click.wrap_text(one.about, 100, " " * 20, " " * 20))


def _arguments(name: str, chosen: Plot, subject: str | None, data: str | None, reading: dict[str, Any]) -> list[Any]:
    """What the picture is drawn of, in the order of the function's arguments."""
    if chosen.subject == "nothing":
        return []
    if subject is None:
        raise SettingError("CR202", f"{name} is drawn of a {chosen.subject}", hint=f"chainrule plot {name} my.model")
    if Path(subject).is_dir():
        if "run" not in chosen.subject:
            raise SettingError("CR204", f"{name} is drawn of a {chosen.subject}, not of a run", got=subject)
        return [subject, data] if chosen.subject != "model or run" else [subject]
    if "model" not in chosen.subject:
        raise SettingError("CR204", f"{name} is drawn of a run's folder", hint="keep one: chainrule fit … --run FOLDER")
    model = load(subject)
    if not chosen.needs_data:
        return [model]
    if data is None and "weights" not in chosen.of:
        raise SettingError("CR202", f"{name} needs the data", hint=f"chainrule plot {name} {subject} data.csv")
    return [model, None if data is None else model.read(data, **reading)]


def _asked(chosen: Plot, of: tuple[str, ...], row: int | None) -> dict[str, Any]:
    known = inspect.signature(chosen.draw).parameters
    if of and not chosen.of:
        raise SettingError("CR204", "this picture has no parts to choose", where="--of", got=", ".join(of))
    if row is not None and "row" not in known:
        raise SettingError("CR204", "this picture is not of one row", where="--row", got=str(row))
    found: dict[str, Any] = {} if row is None else {"row": row}
    if of:
        takes_several = "Sequence" in str(known["of"].annotation)
        if len(of) > 1 and not takes_several:
            raise SettingError("CR204", "this picture is of one thing", where="--of", got=", ".join(of))
        found["of"] = of if takes_several else of[0]
    return found


def _film(arguments: list[Any], asked: dict[str, Any], target: Path) -> None:
    from matplotlib.animation import PillowWriter

    writer = PillowWriter(fps=8)
    for number, ax in enumerate(descent_frames(*arguments, **asked)):
        figure: Any = ax.get_figure()
        if number == 0:
            writer.setup(figure, str(target), dpi=100)
        writer.grab_frame()
    writer.finish()
