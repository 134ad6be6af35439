"""The rule grammar: parsing, precedence, the meaning of `*`, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.laws import Level, parse_rule
from optimizer.laws.grammar import Membership, duty_clauses, match_rule

PLACES = ["DE", "FR", "US", "IN", "CN"]


def level_of(text: str, place: str, **conditional: bool) -> Level:
    def holds(term: str) -> Membership:
        if term in conditional:
            return Membership(conditional[term], "listed" if conditional[term] else None)
        return Membership(term == place)

    return match_rule(parse_rule(text), holds).level


@pytest.mark.parametrize(
    ("rule", "place", "level"),
    [
        ("none", "DE", Level.FREE),
        ("only:IN", "IN", Level.FREE),
        ("only:IN", "SG", Level.FORBIDDEN),
        ("free:KZ;cond:*@SCC_EU", "KZ", Level.FREE),
        ("free:KZ;cond:*@SCC_EU", "DE", Level.CONDITIONAL),
        ("free:US;cond:*@ITAR_E2EE;deny:CN", "CN", Level.FORBIDDEN),
        ("free:US;cond:*@ITAR_E2EE;deny:CN", "DE", Level.CONDITIONAL),
        ("copy:RU;primary:RU", "DE", Level.FREE),
        ("copy:AE;approve:*@REG_APPROVAL", "DE", Level.APPROVAL),
        ("copy:AE;approve:*@REG_APPROVAL", "AE", Level.FREE),
        ("deny:RU+BY", "DE", Level.FREE),
        ("free:RU;cond:DE@RU_NOTIFY;approve:*@RU_NOTIFY_WAIT", "DE", Level.CONDITIONAL),
        ("free:RU;cond:DE@RU_NOTIFY;approve:*@RU_NOTIFY_WAIT", "US", Level.APPROVAL),
        ("cond:CN@BIS_LICENCE", "DE", Level.FREE),
        ("deny:*", "DE", Level.FORBIDDEN),
        ("free:DE;deny:*", "DE", Level.FREE),
    ],
)
def test_first_match_wins(rule: str, place: str, level: Level) -> None:
    assert level_of(rule, place) is level


def test_a_partial_member_that_fails_its_condition_falls_to_the_star() -> None:
    rule = "free:EU_ADEQUATE;cond:*@SCC_EU"
    assert level_of(rule, "US", EU_ADEQUATE=True) is Level.FREE
    assert level_of(rule, "US", EU_ADEQUATE=False) is Level.CONDITIONAL


def test_an_unconditional_membership_is_preferred() -> None:
    def holds(term: str) -> Membership:
        return Membership(True, "listed" if term == "EU_ADEQUATE" else None)

    assert match_rule(parse_rule("only:EU_ADEQUATE+CH"), holds).conditions == ()


@pytest.mark.parametrize(
    "text",
    ["only", "allow:DE", "cond:DE", "approve:*", "only:DE@SCC_EU", "only:", "only:germany", "only:XX", "cond:DE@scc",
     "only:DE;;", "only:XX-CA"],
)  # fmt: skip
def test_malformed_rules_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_rule(text)


def test_duties_are_read_from_copy_and_primary() -> None:
    assert duty_clauses(parse_rule("copy:RU;primary:RU")) == (("copy", ("RU",)), ("primary", ("RU",)))


clauses = st.builds(
    lambda verb, terms: f"{verb}:{'+'.join(terms)}" + ("@SCC_EU|BCR_EU" if verb in ("cond", "approve") else ""),
    st.sampled_from(["only", "copy", "primary", "free", "cond", "approve", "deny"]),
    st.lists(st.sampled_from([*PLACES, "*"]), min_size=1, max_size=3, unique=True),
)


def by_the_book(text: str, place: str) -> Level:
    """The numbered list of the grammar, written a second time without the parser."""
    parsed = []
    for clause in text.split(";"):
        verb, rest = clause.split(":")
        parsed.append((verb, rest.split("@")[0].split("+")))
    named = {term for _, terms in parsed for term in terms if term != "*"}

    def contains(*verbs: str) -> bool:
        return any(
            verb in verbs and (place in terms or ("*" in terms and place not in named)) for verb, terms in parsed
        )

    if contains("deny"):
        return Level.FORBIDDEN
    if contains("only", "free", "copy", "primary"):
        return Level.FREE
    if contains("cond"):
        return Level.CONDITIONAL
    if contains("approve"):
        return Level.APPROVAL
    return Level.FORBIDDEN if any(verb in ("only", "free") for verb, _ in parsed) else Level.FREE


@given(st.lists(clauses, min_size=1, max_size=4).map(";".join), st.sampled_from([*PLACES, "BR"]))
def test_the_matcher_agrees_with_a_second_reading_of_the_grammar(text: str, place: str) -> None:
    assert level_of(text, place) is by_the_book(text, place)
