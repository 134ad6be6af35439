"""Parquet tables: what they unpack to is known from their metadata, and counted, before any Python value is made."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from optimizer.errors import InputError, Issue
from optimizer.input_files import COLUMN_LIMIT, SIZE_LIMIT_BYTES, VALUE_LIMIT, megabytes

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import FileMetaData


def read_parquet(content: bytes, file: str) -> tuple[list[str], list[list[Any]]]:
    """Return the names and the values of all columns.

    Raises:
        InputError: no Parquet, pyarrow is missing, or more rows, values or bytes than a table may unpack to.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        what = "is Parquet, and pyarrow is not installed"
        raise InputError(Issue(what, file=file, maybe="pip install 'domicile[parquet]', or save it as CSV")) from None
    try:
        metadata = parquet.read_metadata(io.BytesIO(content))
        _check_metadata(metadata, len(content), file)
        # Texts stay codes of a dictionary until their length is known: one long text may stand in every row.
        texts = [column.path for column in _leaves(metadata) if column.physical_type == "BYTE_ARRAY"]
        table = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts).read()
        size = sum(_expanded_bytes(chunk) for column in table.columns for chunk in column.chunks)
        if size > SIZE_LIMIT_BYTES:
            raise _over(f"unpacks to {megabytes(size)}", f"{SIZE_LIMIT_BYTES / 1e6:,.0f} MB", len(content), file)
        return list(table.column_names), [column.to_pylist() for column in table.columns]
    except InputError:
        raise
    except Exception as error:  # pyarrow raises many kinds, all of them about this file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(Issue(f"is not a Parquet file: {first}", file=file)) from None


def _leaves(metadata: FileMetaData) -> list[Any]:
    return [metadata.schema.column(at) for at in range(metadata.num_columns)]


def _check_metadata(metadata: FileMetaData, packed: int, file: str) -> None:
    if metadata.num_columns > COLUMN_LIMIT:
        raise _over(f"has {metadata.num_columns:,} columns", f"{COLUMN_LIMIT:,}", packed, file)
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    rows = metadata.num_rows * max(1, metadata.num_columns)
    values = max(rows, sum(column.num_values for column in columns))
    if values > VALUE_LIMIT:
        raise _over(f"holds {metadata.num_rows:,} rows and {values:,} values", f"{VALUE_LIMIT:,} values", packed, file)
    size = sum(column.total_uncompressed_size for column in columns)
    if size > SIZE_LIMIT_BYTES:
        raise _over(f"unpacks to {megabytes(size)}", f"{SIZE_LIMIT_BYTES / 1e6:,.0f} MB", packed, file)


def _over(what: str, limit: str, packed: int, file: str) -> InputError:
    return InputError(Issue(f"{what} from {megabytes(packed)}; the limit is {limit}", file=file))


def _expanded_bytes(array: pa.Array) -> int:
    """Return how many bytes the values of an array take once every repeated text is written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary).cast(pa.int64()).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(_expanded_bytes(field) for field in array.flatten())
    if pa.types.is_map(kind):
        return _expanded_bytes(array.keys) + _expanded_bytes(array.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _expanded_bytes(array.flatten())
    return int(array.nbytes)
