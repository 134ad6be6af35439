"""What is said alike of many is told once."""

from __future__ import annotations

import pickle
from datetime import date

from optimizer.laws import DataProfile, Destination, load_laws
from optimizer.laws.remarks import Remark, together, worded


def test_one_sentence_per_lead_names_everybody_by_what_is_said_of_them() -> None:
    told = [
        Remark("L1: reaches the data", "exposed to US", "aws"),
        "a plain text",
        Remark("L1: reaches the data", "exposed to CA, US", "ovh"),
        Remark("L1: reaches the data", "exposed to US", "gcp"),
        Remark("L1: reaches the data", "exposed to US", "aws"),
        Remark("L2: not known", "", "aws"),
        Remark("L2: not known", "", "gcp"),
        "a plain text",
    ]
    assert together(told) == (
        "L1: reaches the data (exposed to US: aws, gcp; exposed to CA, US: ovh)",
        "a plain text",
        "L2: not known: aws, gcp",
    )


def test_a_remark_is_a_text_and_stays_a_remark_when_worded_or_copied() -> None:
    one = Remark("on the list", "as asserted", "aws")
    assert one == "on the list (as asserted: aws)"
    longer = worded(one, before="L1: ", after=" (US in G)")
    assert longer == "L1: on the list (US in G) (as asserted: aws)"
    other = worded(Remark("on the list", "as asserted", "gcp"), before="L1: ", after=" (US in G)")
    assert together([longer, other]) == ("L1: on the list (US in G) (as asserted: aws, gcp)",)
    assert pickle.loads(pickle.dumps(longer)).who == "aws"
    assert worded("plain", before="L1: ") == "L1: plain"


def test_the_same_risk_at_three_providers_is_one_sentence() -> None:
    """Three operators under US control: CLOUD Act once, unknown support once."""
    pack = load_laws()
    german = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="a", exporter_country="DE")
    risks = [
        risk
        for name in ("aws", "azure", "gcp")
        for risk in pack.judge(german, Destination("DE", provider=name), date(2027, 1, 1)).residual_risks
    ]
    assert len(risks) == 3 * len(together(risks))
    assert any(text.startswith("US-CLOUD-ACT") and "aws, azure, gcp" in text for text in together(risks))


def test_a_list_that_importers_stand_on_is_one_condition() -> None:
    """The membership of the US in the adequate group hangs on each importer; the condition names them together."""
    pack = load_laws()
    german = DataProfile(frozenset({"personal"}), frozenset({"DE"}), exporter="a", exporter_country="DE")
    conditions = [
        text
        for name in ("aws", "gcp")
        for text in pack.judge(german, Destination("US", provider=name), date(2027, 1, 1)).storage.conditions_assumed
        if text.startswith("EU-GDPR-CHV")
    ]
    (told,) = together(conditions)
    assert "aws" in told
    assert "gcp" in told
