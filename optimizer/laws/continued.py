"""What a law pack may go on with of an earlier one: verdicts of laws that are the same in both."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from .scopes import Subject

if TYPE_CHECKING:
    from .pack import LawPack
    from .types import LegalContext

FACTS = ("providers", "holders", "levels", "schemes", "support")
"""What is known of operators, whatever the law."""


def take_over(pack: LawPack, earlier: LawPack, context: LegalContext) -> None:
    """Let a pack judge from the benches of an earlier one, in the same context, that none of the touched laws binds.

    Which of the touched laws bind a profile is found anew. A bench judges by its own laws and by what it saw of the
    profile, which its key holds: where both are the same its verdicts are.
    """
    changed = touched(pack, earlier)
    if changed is None:
        return
    pack.memo_of(context).earlier = frozenset(changed), earlier.memo_of(context).sorted
    benches = pack.memo_of(context).benches
    for (seen, *rest), bench in list(earlier.memo_of(context).benches.items()):
        if isinstance(seen, Subject) and changed.isdisjoint(bench.laws):
            benches.setdefault((replace(seen, groups=pack.groups), *rest), bench)


def touched(pack: LawPack, earlier: LawPack) -> set[str] | None:
    """Return the laws that are not the same in both packs: another row, another grant, or another group in a row.

    None where something differs that every law may read.
    """
    mine, theirs = pack.operators, earlier.operators
    same = all(getattr(mine, name) is getattr(theirs, name) for name in FACTS)
    if not same or pack.mechanisms is not earlier.mechanisms or pack.vocabulary is not earlier.vocabulary:
        return None
    laws = {**pack.laws, **earlier.laws}
    found = {law for law in laws if pack.laws.get(law) != earlier.laws.get(law)}
    found |= {law for law in laws if pack.amendments.get(law, ()) != earlier.amendments.get(law, ())}
    found |= {law for law, _ in pack.granted ^ earlier.granted}
    if pack.groups is earlier.groups:
        return found
    ids = {*pack.groups.ids, *earlier.groups.ids}
    groups = {group for group in ids if pack.groups.rows_of(group) != earlier.groups.rows_of(group)}
    if not groups:
        return found
    words = re.compile(rf"\b({'|'.join(map(re.escape, sorted(groups)))})\b")
    everybody = (*mine.holders, *mine.support.values(), *(one.not_in for one in pack.mechanisms.values()))
    if any(words.search(repr(one)) for one in everybody):
        return None
    dated = ((law, row) for law, rows in pack.amendments.items() for _, row in rows)
    return found | {law for law, row in (*pack.laws.items(), *dated) if words.search(repr(row))}
