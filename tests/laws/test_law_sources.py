"""Rows that were held against their source on 30 November 2026: by hand, where the text binds and where not.

Expectations are the words of the source named beside each case, not what the pack answered.
"""

from __future__ import annotations

from datetime import date

import pytest

from optimizer.laws import DataProfile, Destination, Level, load_laws

PACK = load_laws()
DAY = date(2026, 11, 30)
FREE, COND, SHUT = Level.FREE, Level.CONDITIONAL, Level.FORBIDDEN
# law · data · persons in · exporter in · sectors · to · operator · day · what the law alone comes to in processing
CASES = [
    # PDP Regulations 2021 reg 10(1), (2)(a): bound by enforceable obligations, or consent
    ("SG-PDPA-26", "personal", "SG", "SG", (), "IN", "aws", DAY, COND),
    ("SG-PDPA-26", "personal", "SG", "IN", (), "IN", "aws", DAY, None),  # a transferring organisation of Singapore
    # Art 16(1), (2) FADP: adequate by decision of the Federal Council, else a guarantee
    ("CH-FADP-16", "personal", "CH", "CH", (), "DE", "ovhcloud", DAY, FREE),
    ("CH-FADP-16", "personal", "CH", "CH", (), "IN", "ovhcloud", DAY, COND),
    # s 72(1)(a), (b) POPIA: law, binding rules or agreement, or consent; of responsible parties in the Republic
    ("ZA-POPIA-72", "personal", "ZA", "ZA", (), "DE", "azure", DAY, COND),
    ("ZA-POPIA-72", "personal", "ZA", "DE", (), "DE", "azure", DAY, None),
    # clause 4.1.3 of schedule 1: contractual or other means, wherever the processor is; not of public bodies
    ("CA-PIPEDA", "personal", "CA", "CA", (), "US", "aws", DAY, COND),
    ("CA-PIPEDA", "personal", "CA", "CA", ("public_body",), "US", "aws", DAY, None),
    # order of the Ministry of Health and Welfare, 2022: social worker offices, mainland China only
    ("TW-PDPA-21", "personal", "TW", "TW", ("social_work",), "CN", "alibaba", DAY, SHUT),
    ("TW-PDPA-21", "personal", "TW", "TW", ("social_work",), "JP", "aws", DAY, None),
    ("TW-PDPA-21", "personal", "TW", "TW", ("social_work",), "CN", "alibaba", date(2021, 12, 31), None),
    ("TW-PDPA-21", "personal", "TW", "TW", ("employment_service",), "CN", "alibaba", date(2023, 6, 1), SHUT),
    ("TW-PDPA-21", "personal", "TW", "TW", ("retail",), "CN", "alibaba", DAY, None),
    # s 129 as amended: in force on 1 April 2025
    ("MY-PDPA-129", "personal", "MY", "MY", (), "SG", "aws", date(2025, 4, 1), COND),
    ("MY-PDPA-129", "personal", "MY", "MY", (), "SG", "aws", date(2025, 3, 31), None),
    # regulation 2: countries that get data from the Union by the same terms; an agreement elsewhere
    ("IL-TRANSFER-2001", "personal", "IL", "IL", (), "FR", "scaleway", DAY, FREE),
    ("IL-TRANSFER-2001", "personal", "IL", "IL", (), "IN", "aws", DAY, COND),
]  # fmt: skip


@pytest.mark.parametrize(("law", "data", "persons", "exporter", "who", "to", "operator", "on", "expected"), CASES)
def test_a_row_says_what_its_source_says(law, data, persons, exporter, who, to, operator, on, expected) -> None:
    """The level that the law alone gives to processing; None where it says nothing."""
    roles = frozenset(who) & set(PACK.vocabulary.roles)
    profile = DataProfile(
        frozenset({data}), frozenset({persons}), exporter="firm", exporter_country=exporter, exporter_roles=roles,
        sectors=frozenset(who) - roles,
    )  # fmt: skip
    verdict = PACK.judge(profile, Destination(to, provider=operator), on).processing
    if expected is None:
        assert law not in verdict.laws
    elif expected is FREE:
        assert law in verdict.free_by
    elif expected is SHUT:
        assert law in verdict.forbidden_by
    else:
        assert law in {one.law for one in verdict.requirements}


@pytest.mark.parametrize(("day", "owed"), [(date(2022, 6, 26), False), (date(2022, 6, 27), True)])
def test_logs_stay_in_india_since_the_directions_are_in_force(day: date, owed: bool) -> None:
    """Directions of 28 April 2022, in force on 27 June 2022: logs within the Indian jurisdiction."""
    logs = DataProfile(frozenset({"logs"}), exporter="firm", exporter_country="IN")
    assert ("IN-CERTIN" in {duty.law for duty in PACK.duties(logs, day)}) is owed


@pytest.mark.parametrize("law", ["SG-PDPA-26", "TH-PDPA-28"])
def test_data_in_transit_are_not_transferred(law: str) -> None:
    """Regulation 10(2)(d) of Singapore; the notifications under ss 28 and 29 of Thailand."""
    home = law[:2]
    profile = DataProfile(frozenset({"personal"}), frozenset({home}), exporter="firm", exporter_country=home)
    verdict = PACK.judge_for(profile, DAY).bench.transit(Destination("CN"))
    assert law in verdict.free_by
    worked_on = PACK.judge(profile, Destination("CN", provider="alibaba"), DAY).processing
    assert law in {one.law for one in worked_on.requirements}
