"""Names that other rooms need: the id of each stream, and the fingerprint of an instance."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from optimizer.errors import InputError, Issue
from optimizer.instance.models import Instance
from optimizer.instance.workloads import Service


def stream_ids(service: Service) -> tuple[str, ...]:
    """Return the id of every stream in order: its own, or its origin, with `#2`, `#3`... where an origin repeats.

    Raises:
        InputError: it is no service.
    """
    if not isinstance(service, Service):
        raise InputError(Issue(f"is {type(service).__name__}, not a Service", where="service"))
    seen: Counter[str] = Counter()
    ids: list[str] = []
    for stream in service.streams:
        if stream.id is not None:
            ids.append(stream.id)
            continue
        seen[stream.origin] += 1
        ids.append(stream.origin if seen[stream.origin] == 1 else f"{stream.origin}#{seen[stream.origin]}")
    return tuple(ids)


def instance_sha256(instance: Instance) -> str:
    """Return the SHA-256 of the canonical JSON of the validated instance, whatever files it came from.

    Raises:
        InputError: it is no instance.
    """
    if not isinstance(instance, Instance):
        what, maybe = f"is {type(instance).__name__}, not an Instance", "load it first: optimizer.load(path or mapping)"
        raise InputError(Issue(what, where="instance", maybe=maybe))
    canonical = json.dumps(instance.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
