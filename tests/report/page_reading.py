"""What tests read from pages: sections, tables by caption, sentences."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.report.pages.view import Block, Figure, Page, Section, Table


def blocks_of(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield blocks and those that are folded in them."""
    for block in blocks:
        yield block
        if block.kind == "fold":
            yield from blocks_of(block.blocks)


def section(page: Page, key: str) -> Section:
    """Return a section of a page."""
    return next(one for one in page.sections if one.key == key)


def tables(part: Section | Page) -> dict[str, list[list[str]]]:
    """Return the rows of every table of a section, or of the first screen, by caption."""
    of = part.first if isinstance(part, Page) else part.blocks
    found: dict[str, list[list[str]]] = {}
    for block in blocks_of(of):
        one = block.table if isinstance(block, Figure) else block if isinstance(block, Table) else None
        if one is not None:
            found[one.caption] = [[cell.text for cell in row] for row in one.rows]
    return found


def texts(part: Section) -> list[str]:
    """Return the sentences of a section that stand in no table."""
    return [text for block in blocks_of(part.blocks) if block.kind == "notes" for text in block.texts]


def figures(page: Page) -> list[Figure]:
    """Return every figure of a page."""
    every = (page.first, *(one.blocks for one in page.sections))
    return [block for part in every for block in blocks_of(part) if isinstance(block, Figure)]
