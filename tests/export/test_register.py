"""`register`: what a data-protection officer files, per exporter."""

from __future__ import annotations

import csv
import io
import re

from export_toys import HOSTILE, hostile_plan, instance, plan

from optimizer.export.base import Source
from optimizer.export.register import made
from optimizer.export.transfers import transfers


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made(Source(plan(), instance())).files[name])))


def test_one_register_per_exporter():
    """Pages and tables; a workload whose data are nobody's is named, not listed."""
    found = made(Source(plan(), instance()))
    assert sorted(found.files) == [
        "register-acme.csv",
        "register-acme.html",
        "register-fr.csv",
        "register-fr.html",
    ]
    assert [str(one) for one in found.left_out] == ["weather: no category of data and no person is stated of it"]


def test_a_row_says_whose_data_go_where_under_what():
    """One row for both periods; persons, destination, safeguard, days, and what is still to be found out there."""
    de, fr, copy, read = rows("register-acme.csv")
    assert (de["of"], de["stream"], de["activity"]) == ("chat", "DE", "processing and storage")
    assert (de["categories"], de["persons_from"], de["persons"]) == ("personal", "DE", "DE 400")
    assert (de["recipient"], de["destination"], de["outside_exporter_country"]) == ("aws", "SE", "yes")
    assert (de["first_day"], de["last_day"]) == ("2027-01-31", "2027-02-02")
    assert (fr["first_day"], fr["last_day"]) == ("2027-01-31", "2027-02-01")
    assert (de["safeguards"], fr["safeguards"]) == ("", "SCC_EU")
    assert (de["assumed"], fr["assumed"]) == ("access:aws", "access:aws; mechanism:SCC_EU")
    assert (de["laws"], de["review_by"]) == ("EU-GDPR-CHV", "EU-GDPR-CHV 2027-05-31")
    assert (copy["activity"], copy["of"], copy["destination"]) == ("copy at rest", "corpus", "SE")
    assert (read["activity"], read["recipient"], read["destination"]) == ("read from aws:eu-north-1", "scaleway", "FR")


def test_an_exporter_named_by_its_country_at_home():
    (row,) = rows("register-fr.csv")
    assert (row["exporter"], row["exporter_country"], row["outside_exporter_country"]) == ("FR", "FR", "no")


def test_the_page_has_the_annex_and_what_is_to_be_filled_in():
    """Tables with captions; open actions; nothing that the plan does not know."""
    page = made(Source(plan(), instance())).files["register-acme.html"]
    assert isinstance(page, str)
    for told in (
        "Annex 1: laws",
        "Reg (EU) 2016/679 Arts 44-49",
        "to be put in place",
        "conditional on 2 open actions",
        "an authority of a third country",
        "EU-DATAACT-29",
        "purposes and legal basis",
        "not legal advice",
    ):
        assert told in page
    assert page.count("<table>") == page.count("<caption>")
    assert "http" not in page
    assert "<script" not in page


def test_hostile_text_is_text():
    """In the page no markup, in the table no formula; workloads the instance does not have are named."""
    for text in HOSTILE:
        found = made(Source(hostile_plan(text), instance()))
        assert found.left_out
        for content in found.files.values():
            assert isinstance(content, str)
            assert "<script" not in content
            assert not re.search(r"(?:^|,)\"?=", content, re.MULTILINE)


def test_what_the_instance_does_not_have_is_left_out():
    """A plan by hand may name any workload and dataset."""
    _, left_out = transfers(Source(hostile_plan("stranger"), instance()))
    assert "stranger, stream stranger: the instance has no such workload or stream" in map(str, left_out)
