"""`domicile schema`: the JSON Schemas of what is read and written."""

from __future__ import annotations

import click

from optimizer.schemas import SCHEMAS


@click.group()
def schema() -> None:
    """Print versioned JSON Schemas (2020-12)."""


def _command(name: str, what: str) -> click.Command:
    def run() -> None:
        from optimizer.schemas import schema_text

        click.echo(schema_text(name), nl=False)

    run.__doc__ = f"JSON Schema of {what}."
    return schema.command(name)(run)


for _schema in SCHEMAS.values():
    _command(_schema.name, _schema.what)
