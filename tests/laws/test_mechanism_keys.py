"""The identity of a fixed charge follows the mechanism's charge scope."""

import datetime

from optimizer.laws import DataProfile, Destination, load_laws


def test_a_charge_per_country_is_the_same_for_two_states_of_it():
    """Two US states ask for one notification of the United States, not for two."""
    pack = load_laws()
    profile = DataProfile(
        categories=frozenset({"personal"}),
        subjects=frozenset({"RU"}),
        exporter="rf",
        exporter_country="RU",
    )
    keys = set()
    for state in ("US-VA", "US-OH"):
        verdicts = pack.judge(
            profile, Destination("US", state, "aws"), datetime.date(2027, 1, 1), law="RU-152FZ-12"
        )
        found = {key for need in verdicts.processing.requirements for key in need.mechanisms}
        keys |= found | set(verdicts.processing.approvals_missing)
    assert keys
    assert not any("US-" in str(key) for key in keys)


def test_country_keys_name_the_country():
    """A destination in Germany and one in Virginia differ by country alone."""
    pack = load_laws()
    profile = DataProfile(
        categories=frozenset({"personal"}), subjects=frozenset({"MY"}), exporter="my", exporter_country="MY"
    )
    on = datetime.date(2027, 1, 1)
    by_state = [
        {
            key
            for need in pack.judge(profile, Destination("US", state, "aws"), on).processing.requirements
            for key in need.mechanisms
            if key.mechanism == "MY_TIA"
        }
        for state in ("US-VA", "US-OH", None)
    ]
    assert by_state[0]
    assert by_state[0] == by_state[1] == by_state[2]
