"""How data are protected, as a fact that is stated and that laws ask for: encryption, key custody, pseudonyms."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from domicile.cli import main
from optimizer.errors import InputError
from optimizer.laws import DataProfile, Destination, LegalContext, Level, load_laws
from optimizer.laws.explain import explain_law

DAY = date(2026, 11, 29)
PACK = load_laws()
SEALED = ("end_to_end", "fips", "keys_exporter")
PLAN = LegalContext(mechanisms=frozenset())
"""What a plan judges by: nothing is held, and nothing that is not stated may be considered."""


def technical(*state, context=PLAN, to="DE"):
    """ITAR data of a US exporter at rest abroad."""
    data = DataProfile(frozenset({"export_controlled_technical"}), exporter_country="US", state=frozenset(state))
    return PACK.judge(data, Destination(to, provider="aws"), DAY, context).storage


def patients(*state, held=("US_CISA_SECREQ",), to="CN", context=None):
    """Health data of 10,001 US persons with a Chinese operator; the programme of 28 CFR 202 is held."""
    data = DataProfile(frozenset({"health"}), frozenset({"US"}), (("US", 10_001),), exporter="a", exporter_country="US",
                       state=frozenset(state))  # fmt: skip
    context = context or LegalContext(mechanisms=frozenset(held))
    return PACK.judge(data, Destination(to, provider="alibaba"), DAY, context)


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (SEALED, Level.FREE),
        (SEALED[:2], Level.FORBIDDEN),
        (SEALED[1:], Level.FORBIDDEN),
        ((*SEALED[:2], "keys_provider"), Level.FORBIDDEN),
        ((), Level.FORBIDDEN),
    ],
)
def test_sealed_technical_data_may_rest_abroad(state, level):
    """22 CFR 120.54(a)(5), 15 CFR 734.18(a)(5): end to end, FIPS, keys at home. One word less and it is an export."""
    assert technical(*state).level is level


def test_where_a_question_states_nothing_the_state_is_what_is_needed():
    """`laws verdict` names it; what is stated and does not fit closes."""
    open_ = technical(context=LegalContext())
    assert open_.level is Level.CONDITIONAL
    unstated = "(end_to_end and fips and keys_exporter: not stated)"
    assert any(text.endswith(unstated) for text in open_.conditions_assumed)
    assert technical("encrypted", context=LegalContext()).level is Level.FORBIDDEN


def test_some_places_stay_closed_to_sealed_data():
    """Countries of 22 CFR 126.1."""
    assert technical(*SEALED, to="CN").level is Level.FORBIDDEN


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (("encrypted", "keys_exporter"), Level.CONDITIONAL),
        (("encrypted", "keys_third_party"), Level.CONDITIONAL),
        (("pseudonymised",), Level.CONDITIONAL),
        (("deidentified",), Level.CONDITIONAL),
        (("encrypted",), Level.FORBIDDEN),
        (("encrypted", "keys_provider"), Level.FORBIDDEN),
        (("confidential_computing",), Level.FORBIDDEN),
        ((), Level.FORBIDDEN),
    ],
)
def test_the_security_requirements_ask_for_data_that_nobody_there_can_read(state, level):
    """28 CFR 202 with CISA's requirements: the programme alone does not do; work in clear stays denied."""
    found = patients(*state)
    assert found.storage.level is level
    assert found.processing.level is Level.FORBIDDEN
    assert patients(*state, held=()).storage.level is Level.FORBIDDEN


def test_europe_warns_where_an_importer_can_read():
    """EDPB Recommendations 01/2020 are guidance: told where guidance counts, and not of data sealed at home."""
    guided = LegalContext(advisory=True)

    def risks(*state, provider="alibaba"):
        data = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter_country="DE", state=frozenset(state))
        found = PACK.judge(data, Destination("IN", provider=provider), DAY, guided)
        assert found.storage.level is Level.CONDITIONAL
        return [risk for risk in found.residual_risks if risk.startswith("EU-EDPB-01-2020")]

    assert len(risks()) == len(risks("encrypted")) == len(risks("encrypted", "keys_provider")) == 1
    assert risks("encrypted", "keys_exporter") == risks("encrypted", "keys_third_party") == risks("pseudonymised") == []
    assert risks(provider="scaleway") == []


def test_a_word_that_nobody_knows_is_refused():
    """With the words that are near."""
    with pytest.raises(InputError, match="you mean 'encrypted'"):
        technical("encrypt")


def test_it_can_be_asked_and_read():
    """`--state` on the command line; the page of a law says what its ways ask of the data."""
    asked = ["laws", "verdict", "--category", "export_controlled_technical", "--exporter", "US", "--to", "DE"]
    words = [word for state in SEALED for word in ("--state", state)]
    assert json.loads(CliRunner().invoke(main, [*asked, *words, "--json"]).stdout)["storage"] == "free"
    assert "data are end_to_end, fips, keys_exporter" in CliRunner().invoke(main, [*asked, *words]).stdout
    (way,) = explain_law("US-ITAR-120-54")["mechanisms"]
    assert (way["state"], way["state_alone"]) == ("end_to_end and fips and keys_exporter", True)
