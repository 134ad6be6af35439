"""What the command line shows: errors, tables, JSON-safe values, and a long solve with a display and Ctrl-C.

The solve itself runs in a thread, so that a signal always finds the main thread free: the first Ctrl-C asks for the
best plan so far, the second leaves at once.
"""

from __future__ import annotations

import codecs
import io
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from optimizer.errors import DomicileError
from optimizer.printable import printable, printable_json

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from optimizer.instance.world import Currency
    from optimizer.plan.models import Plan
    from optimizer.solve.solution import Progress

_REFRESH_SECONDS = 0.25
INTERRUPTED = 4


class Shell(click.Group):
    """Turns every error into a short message on stderr and its exit code; a traceback only with --debug."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program with streams that take whatever is told."""
        prepare_streams()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command chosen."""
        debug = bool(ctx.params.get("debug"))
        try:
            if sys.flags.optimize:
                from optimizer.how import require_docstrings

                require_docstrings()
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            silence_stdout()
            ctx.exit(0)
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except DomicileError as error:
            if debug:
                raise
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except MemoryError:
            if debug:
                raise
            click.echo("Error: not enough memory\nMaybe the instance is too large for this machine", err=True)
            ctx.exit(1)
        except OSError as error:
            if debug:
                raise
            place = error.filename if error.filename is not None else "standard output"
            silence_stdout()
            click.echo(f"Error: {printable(str(place))}: {error.strerror or error}", err=True)
            ctx.exit(1)
        except Exception as error:
            if debug:
                raise
            what = printable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, lines=True)
            click.echo(f"Internal error: {what}\nMaybe run it again with --debug and report the traceback", err=True)
            ctx.exit(1)


def silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere: whoever read the output has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (lives until the process ends)


class Finite(click.FloatRange):
    """A number in a range; NaN and infinity are not numbers here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail as a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Share(Finite):
    """A share as a number (0.02) or in per cent (2%)."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share, or fail as a usage error."""
        text = str(value).strip()
        if not text.endswith("%"):
            return super().convert(value, param, ctx)
        return super().convert(text[:-1], param, ctx) / 100.0


def require_writable(output: Path | None, tables: Path | None) -> None:
    """Fail as a usage error, before the work and not after it, where a plan or its tables cannot be written."""
    from optimizer.plan.files import require_fillable, require_fillable_folder

    for path, option, check in (
        (output, "--output", require_fillable),
        (tables, "--tables", require_fillable_folder),
    ):
        if path is not None:
            try:
                check(path)
            except (OSError, ValueError, RuntimeError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise click.BadParameter(f"{path} cannot be written: {why}.", param_hint=option) from None


def write_outputs(plan: Plan, output: Path | None, tables: Path | None) -> list[str]:
    """Write the plan and its tables; return what could not be written, and why."""
    failed: list[str] = []
    for target, write in ((output, plan.write), (tables, plan.write_tables)):
        if target is not None:
            try:
                write(target)
            except OSError as error:
                failed.append(f"{target} cannot be written: {error.strerror or error}")
    return failed


def prepare_streams() -> None:
    """Let standard streams take whatever is told: closed ones go nowhere, letters they lack are written as escapes.

    Escapes are those of JSON (`\\u00e9`), so that a JSON answer stays one.
    """
    handle = os.open(os.devnull, os.O_RDWR)
    while handle <= 2:  # a file opened later must not become standard output
        handle = os.open(os.devnull, os.O_RDWR)
    os.close(handle)
    codecs.register_error("json_escape", _json_escape)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (lives until the process ends)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="json_escape")


def _json_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


def console(*, err: bool = False) -> Console:
    """Return a rich console on stdout or stderr; a wide one without colour where nobody looks."""
    from rich.console import Console as Plain

    class Console(Plain):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the process with 1, whatever the command has to tell

    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err) if stream.isatty() else Console(stderr=err, width=200, no_color=True, highlight=False)


def print_answer(answer: str | Callable[[Console], None]) -> None:
    """Print JSON as it is, or let tables be rendered. A reader that has gone changes nothing of what follows."""
    try:
        if isinstance(answer, str):
            click.echo(printable_json(answer))
        else:
            answer(console())
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], title: str) -> None:
    """Print rows as an aligned table; figures to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    names = list(columns)
    for name in names:
        values = [row.get(name) for row in rows if row.get(name) is not None]
        number = bool(values) and all(isinstance(value, int | float) for value in values)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(name))) for name in names))
    console().print(table)


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Iterable[str], what: str, *, as_json: bool, limit: int
) -> None:
    """Print rows as JSON (all of them, every field) or as a table of `columns` (the first `limit` rows, 0 is all)."""
    if as_json:
        told = json.dumps([jsonable(row) for row in rows], indent=2, ensure_ascii=False)
        sys.stdout.write(printable_json(told) + "\n")
        return
    shown = rows[:limit] if limit else rows
    print_rows(shown, columns, f"{len(rows):,} {what}")
    if len(shown) < len(rows):
        sys.stdout.write(f"... and {len(rows) - len(shown):,} more (--limit 0 shows all, --json every field)\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text, whatever steers a terminal written out."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))


def cell(value: Any) -> str:
    """Write one value for people; a missing figure is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)


def jsonable(value: Any) -> Any:
    """Return a value json can write: missing figures are null, sets are sorted lists, dates are text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): jsonable(below) for key, below in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [jsonable(below) for below in value]
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    if hasattr(value, "item"):
        return jsonable(value.item())
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


def run_interruptible(
    solve: Callable[[Callable[[Any], None], threading.Event], Any], *, display: bool,
    currency: Currency | None = None, line: Callable[[Any, bool], RenderableType] | None = None,
) -> Any:  # fmt: skip
    """Run `solve(progress, cancel)` in a thread and return what it returns, or raise what it raises.

    SIGINT and SIGTERM set `cancel`; a second one ends the process with exit code 4. With `display` a transient line on
    stderr shows phase, incumbent, bound, gap and elapsed time, amounts in the `currency` if there is one, or what
    `line` makes of a report and of whether it is stopping.
    """
    cancel = threading.Event()
    latest: list[Any] = []
    result: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(solve(lambda progress: latest.__setitem__(slice(None), [progress]), cancel))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="solve", daemon=True)
    with _signals(cancel), _live(display) as update:
        thread.start()
        while thread.is_alive():
            thread.join(_REFRESH_SECONDS)
            if update is not None and latest:
                stopping = cancel.is_set()
                update(line(latest[0], stopping) if line else _line(latest[0], stopping, currency))
    if failure:
        raise failure[0]
    return result[0]


@contextmanager
def _signals(cancel: threading.Event) -> Iterator[None]:
    """Let the first signal ask for the best plan and the second leave at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        if cancel.is_set():
            os._exit(INTERRUPTED)
        cancel.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _live(display: bool) -> Iterator[Callable[[RenderableType], None] | None]:
    if not display:
        with nullcontext():
            yield None
        return
    from rich.live import Live

    with Live(console=console(err=True), transient=True, auto_refresh=False) as live:
        yield lambda line: live.update(line, refresh=True)


def _line(progress: Progress, stopping: bool, currency: Currency | None = None) -> RenderableType:
    from rich.text import Text

    code, rate = ("USD", 1.0) if currency is None else (currency.code, currency.usd_per_unit)

    def money(value: float | None) -> str:
        return "-" if value is None or not math.isfinite(value) else f"{value / rate:,.2f}"

    gap = progress.gap
    shown = "-" if gap is None or not math.isfinite(gap) else f"{gap:.2%}"
    incumbent, bound = money(progress.incumbent_usd), money(progress.bound_usd)
    return Text.assemble(
        (f"{progress.elapsed_seconds:7.1f} s  ", "bold"),
        f"{progress.phase}  incumbent {incumbent} {code}  bound {bound} {code}  gap {shown}",
        ("  stopping" if stopping else "  Ctrl-C keeps the best plan", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )
