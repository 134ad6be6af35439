"""One door for every file: regular, inside its folder, within limits as read and as unpacked."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest
from bad_inputs import GOOD, WITH_STREAMS, problems

from optimizer import input_files
from optimizer.catalogue import load_catalogue
from optimizer.errors import InputError
from optimizer.instance.load import load
from optimizer.laws import load_laws
from optimizer.plan.models import Plan

OWN_CATALOGUE = GOOD[: GOOD.index("catalogue:")] + "catalogue: {use: own}\n" + GOOD[GOOD.index("laws:") :]
REGIONS = "region_id,provider,region,country\nx:a,x,a,DE\n"
OFFERS = (
    "offer_id,provider,region_id,sku,purchase,price_usd_per_hour,accelerator,devices\no,x,x:a,s,on_demand,1,H100,1\n"
)


def refused(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        input_files.read_bytes(path, "f", **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path: Path):
    """A pipe would wait for ever; a device would never end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    assert refused(tmp_path / "pipe") == "f: is not a regular file: it is a pipe"
    assert refused(tmp_path / "device") == "f: is not a regular file: it is a device"
    assert refused(tmp_path) == "f: is not a regular file: it is a folder"
    assert refused(tmp_path / "none") == "f: does not exist"


def test_links_stay_in_the_folder(tmp_path: Path):
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "file").write_text("text")
    (inside / "out").symlink_to(tmp_path / "secret")
    (inside / "within").symlink_to(inside / "file")
    assert input_files.read_bytes(inside / "within", "f", folder=inside) == b"text"
    assert "is a link out of its folder" in refused(inside / "out", folder=inside)


def test_the_limit_is_the_last_size_that_is_read(tmp_path: Path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 1000)
    assert len(input_files.read_bytes(path, "f", limit=1000)) == 1000
    assert "is 0.0 MB; the limit is 0 MB" in refused(path, limit=999, maybe=None)


def test_what_gzip_unpacks_to_is_limited(tmp_path: Path):
    """One byte within the limit and one beyond it; several members, padding, a cut and noise."""
    content = gzip.compress(b"x" * 1000)
    assert input_files.unpacked(content, "f", limit=1000) == b"x" * 1000
    assert input_files.unpacked(content + content + b"\0\0", "f", limit=2000) == b"x" * 2000
    for wrong, what in (
        (gzip.compress(b"x" * 1001), "unpacks to more than"),
        (content * 2, "unpacks to more than"),
        (content[:-9], "is cut short"),
        (b"noise", "is not gzip"),
    ):
        with pytest.raises(InputError, match=what):
            input_files.unpacked(wrong, "f", limit=1000)


def test_a_gzip_bomb_holds_no_more_than_its_limit():
    """Ten thousand chunks of zeros in 10 MB: unpacking stops at the limit."""
    bomb = zlib.compressobj(9, wbits=31)
    content = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(100)) + bomb.flush()
    with pytest.raises(InputError, match=r"unpacks to more than 20 MB from 0\.1 MB"):
        input_files.unpacked(content, "f")


# --- catalogue folders --------------------------------------------------------------------------------------------


def catalogue_problems(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_catalogue(folder)
    return str(caught.value)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "regions.csv").write_text(REGIONS)
    (folder / "offers.csv").write_text(OFFERS)
    load_catalogue(folder)
    return folder


def test_a_catalogue_folder_with_a_pipe_a_device_and_a_link_out(own: Path, tmp_path: Path):
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    os.mkfifo(own / "skus.csv")
    (own / "endpoints.csv").symlink_to("/dev/zero")
    (own / "providers.csv").symlink_to(tmp_path / "secret.csv")
    (own / "accelerators.csv").mkdir()
    told = catalogue_problems(own)
    assert "skus.csv: is not a regular file: it is a pipe" in told
    assert "endpoints.csv: is a link out of its folder" in told
    assert "providers.csv: is a link out of its folder" in told
    assert "accelerators.csv: is not a regular file: it is a folder" in told
    assert "secret" not in told.replace("secret.csv", "")


def test_a_pipe_that_is_no_table_is_not_read(own: Path):
    """The checksum covers regular files alone."""
    os.mkfifo(own / "notes.csv")
    assert load_catalogue(own).sha256


def test_a_catalogue_table_that_unpacks_beyond_the_limit(own: Path):
    (own / "skus.csv.gz").write_bytes(gzip.compress(bytes(30_000_000)))
    assert "skus.csv.gz: unpacks to more than 20 MB from 0.0 MB" in catalogue_problems(own)


def test_a_catalogue_table_of_too_many_columns(own: Path):
    (own / "skus.csv").write_text(",".join(f"x{at}" for at in range(1001)) + "\n")
    assert "skus.csv: has 1,001 columns; the limit is 1,000" in catalogue_problems(own)


def test_a_broken_manifest_is_named(own: Path):
    (own / "MANIFEST.csv").write_text("file\nregions.csv\n")
    assert "MANIFEST.csv: cannot be read" in catalogue_problems(own)


def test_an_instance_with_a_pipe_in_its_catalogue_folder(own: Path, write):
    os.mkfifo(own / "skus.csv")
    assert any("skus.csv: is not a regular file" in problem for problem in problems(write(OWN_CATALOGUE)))


# --- law folders --------------------------------------------------------------------------------------------------


def test_a_law_folder_with_pipes_links_and_aliases(tmp_path: Path):
    folder = tmp_path / "laws"
    folder.mkdir()
    (folder / "rules").mkdir()
    os.mkfifo(folder / "rules" / "DE.yaml")
    (folder / "rules" / "FR.yaml").symlink_to("/etc/hostname")
    (folder / "mechanisms.csv").symlink_to("/etc/hostname")
    (folder / "vocabulary.yaml").write_text("a: &a [*a]\n")
    with pytest.raises(InputError) as caught:
        load_laws(str(folder))
    told = str(caught.value)
    assert "rules/DE.yaml: is not a regular file: it is a pipe" in told
    assert "rules/FR.yaml: is a link out of its folder" in told
    assert "mechanisms.csv: is a link out of its folder" in told
    assert "vocabulary.yaml:1: alias *a refers to what contains it: a cyclic reference" in told
    assert "providers.csv: does not exist" in told


# --- instances and tables -----------------------------------------------------------------------------------------


def test_an_instance_that_is_a_pipe(tmp_path: Path):
    os.mkfifo(tmp_path / "a.yaml")
    assert problems(tmp_path / "a.yaml") == ["None: None: is not a regular file: it is a pipe"]


def test_a_table_that_is_a_pipe(tmp_path: Path, write):
    os.mkfifo(tmp_path / "streams.csv")
    assert "None: None: is not a regular file: it is a pipe" in problems(write(WITH_STREAMS))


def parquet_problems(columns: dict[str, object], write, tmp_path: Path, **options: object) -> list[str]:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), tmp_path / "streams.parquet", **options)
    return problems(write(WITH_STREAMS.replace("streams.csv", "streams.parquet")))


def test_parquet_of_too_many_values_is_refused_by_its_metadata(write, tmp_path: Path):
    """A million rows of the same values take a few hundred bytes."""
    pa = pytest.importorskip("pyarrow")
    rows = 1_000_000
    same = {"workload": pa.repeat("chat", rows), "origin": pa.repeat("FR", rows), "rate": pa.repeat(1.0, rows)}
    found = parquet_problems(same, write, tmp_path)
    assert (tmp_path / "streams.parquet").stat().st_size < 50_000
    what = "holds 1,000,000 rows and 3,000,000 values from 0.0 MB; the limit is 2,000,000 values"
    assert any(what in problem for problem in found), found


def test_parquet_of_too_many_items_in_one_cell(write, tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    items = pa.ListArray.from_arrays([0, 3_000_000], pa.repeat("x", 3_000_000))
    found = parquet_problems({"workload": ["chat"], "origin": ["FR"], "rate": [1.0], "tags": items}, write, tmp_path)
    assert any("holds 1 rows and 3,000,003 values" in problem for problem in found), found


@pytest.mark.parametrize("nested", [False, True])
def test_one_long_text_in_every_row_of_parquet(nested: bool, write, tmp_path: Path):
    """The file holds it once; its rows are 100 MB, known before one of them is made."""
    long = ["x" * 1_000_000] * 100
    texts: object = [[text] for text in long] if nested else long
    columns = {"workload": ["chat"] * 100, "origin": ["FR"] * 100, "rate": [1.0] * 100, "note": texts}
    found = parquet_problems(columns, write, tmp_path)
    assert any("unpacks to 100.0 MB from " in problem for problem in found), found


def test_parquet_that_unpacks_beyond_the_limit(write, tmp_path: Path):
    columns = {"workload": ["chat"] * 30, "origin": [f"{at}" * 1_000_000 for at in range(30)], "rate": [1.0] * 30}
    found = parquet_problems(columns, write, tmp_path, use_dictionary=False)
    assert any("MB; the limit is 20 MB" in problem for problem in found), found


def test_parquet_within_the_limits_is_read(write, tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = {"workload": ["chat", "chat"], "origin": ["FR", "NO"], "rate": [500.0, 100.0], "subjects": [["FR"], None]}
    parquet.write_table(pa.table(rows), tmp_path / "streams.parquet")
    service = load(write(WITH_STREAMS.replace("streams.csv", "streams.parquet"))).workloads[0]
    assert [(stream.origin, stream.subjects) for stream in service.streams] == [("FR", ("FR",)), ("NO", None)]


# --- plans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_plans_with_a_byte_order_mark_are_read(encoding: str, tmp_path: Path):
    path = tmp_path / "plan.json"
    path.write_bytes('{"placements": [], "method": "é"}'.encode(encoding))
    assert Plan.read(path).method == "é"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe{", "is not UTF-16 text"),
        (b'{"placements": [], "method": "\\ud83d"}', "not JSON|Invalid JSON"),
        (b'{"placements": [], "gap": ' + b"1" * 5000 + b"}", "not JSON"),
    ],
)
def test_plans_of_wrong_bytes(content: bytes, what: str, tmp_path: Path):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        Plan.read(path)


def test_a_plan_that_is_a_pipe_or_no_path(tmp_path: Path):
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(InputError, match="it is a pipe"):
        Plan.read(tmp_path / "plan.json")
    with pytest.raises(InputError, match="path: is int; should be a path"):
        Plan.read(5)  # type: ignore[arg-type]
