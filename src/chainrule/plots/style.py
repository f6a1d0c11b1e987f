"""How pictures look: colours that the colour-blind can tell apart, on a light page, on a dark one and in print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.constraints import choice
from chainrule.errors import SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Style:
    """Colours of a page. `series` are told apart by colour and by `dashes`; names of colour maps are matplotlib's.

    The series are those of Okabe and Ito, Color Universal Design (2008), darker or lighter where the page asks for it.
    """

    name: str
    page: str
    text: str
    soft: str
    grid: str
    series: tuple[str, ...]
    sequential: str
    dashes: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)), (0, (9, 3)), (0, (3, 1, 1, 1, 1, 1)))
    markers: tuple[str, ...] = ("o", "s", "^", "D", "v", "P")

    def line(self, n: int) -> dict[str, Any]:
        """Colour and dashes of the n-th series."""
        return {"color": self.series[n % len(self.series)], "linestyle": self.dashes[n % len(self.dashes)]}

    def colour(self, n: int) -> str:
        return self.series[n % len(self.series)]

    def settings(self) -> Any:
        """The same for matplotlib (rcParams)."""
        return {
            "figure.facecolor": self.page, "axes.facecolor": self.page, "savefig.facecolor": self.page,
            "text.color": self.text, "axes.labelcolor": self.text, "axes.titlecolor": self.text, "axes.edgecolor": self.soft,
            "xtick.color": self.text, "ytick.color": self.text, "grid.color": self.grid, "axes.grid": True,
            "axes.axisbelow": True, "grid.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False,
            "font.size": 10, "axes.titlesize": 11, "axes.titlelocation": "left", "axes.titlepad": 9,
            "legend.frameon": True, "legend.framealpha": 0.85, "legend.facecolor": self.page, "legend.edgecolor": "none",
            "legend.fontsize": 9, "lines.linewidth": 1.8, "lines.solid_capstyle": "round", "figure.dpi": 110,
            "svg.fonttype": "none", "svg.hashsalt": "chainrule", "axes.unicode_minus": True,
            "text.parse_math": False,  # a column may be called $price$
        }  # fmt: skip


_SERIES = ("#0072b2", "#c44e00", "#007a5a", "#a8508a", "#8a6d00", "#4a4a4a")
LIGHT = Style("light", "#ffffff", "#17202c", "#525d6c", "#dde2e9", _SERIES, "viridis")
DARK = Style(
    "dark", "#12161c", "#e8ecf2", "#a9b3c1", "#2c3540",
    ("#7cb9ff", "#ffab73", "#4fd1a8", "#f0a3d4", "#f0e442", "#d0d0d0"), "viridis",
)  # fmt: skip
PRINT = Style(
    "print", "#ffffff", "#000000", "#404040", "#d4d4d4",
    ("#000000", "#6a6a6a", "#2e2e2e", "#8a8a8a", "#484848", "#777777"), "Greys",
)  # fmt: skip
STYLES = {style.name: style for style in (LIGHT, DARK, PRINT)}

_current: ContextVar[Style] = ContextVar("style", default=LIGHT)


def current() -> Style:
    """The style that pictures are drawn in now."""
    return _current.get()


@contextmanager
def style(name: str) -> Iterator[Style]:
    """Draw in another style: "light", "dark" or "print".

    >>> with style("dark") as dark:
    ...     current() is dark
    True
    """
    token = _current.set(STYLES[choice("style", name, STYLES)])
    try:
        yield current()
    finally:
        _current.reset(token)


@contextmanager
def in_style() -> Iterator[None]:
    """Draw with the settings of the current style; also a decorator of the functions that draw.

    Raises `SettingError` CR701 where matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise SettingError(
            "CR701", "pictures need matplotlib", hint="pip install 'chainrule[app]', or pip install matplotlib"
        ) from None
    with matplotlib.rc_context(current().settings()):
        yield


def axes(ax: Axes | None, *, size: tuple[float, float] = (6.4, 4.2), projection: str | None = None) -> Axes:
    """The Axes to draw in: the caller's, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained").add_subplot(projection=projection)


def logarithmic(ax: Axes) -> None:
    """A logarithmic y-axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    narrow = high < 200 * low
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=8))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())


def save(figure: Figure, path: Any, *, dots: float = 144) -> None:
    """Write a figure as .svg, .png or .pdf; the same figure gives the same bytes."""
    ending = str(path).rpartition(".")[2].lower()
    unclocked = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}.get(ending)
    with in_style():
        figure.savefig(path, dpi=dots, metadata=unclocked, bbox_inches="tight", pad_inches=0.08)
