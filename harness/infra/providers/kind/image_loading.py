"""Images on nodes: each once for a node and an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.core.errors import UsageError
from harness.infra.docker import Docker
from harness.infra.providers.kind.state import Store

#: Puts images (first) on nodes (second), by name.
Put = Callable[[Sequence[str], Sequence[str]], None]


def load(
    refs: Iterable[str], nodes: Mapping[str, str], docker: Docker, store: Store, put: Put
) -> None:
    """Have images on nodes (names by container id); `UsageError` for one that Docker lacks."""
    done, wanted, targets = store.loaded(), [], set()
    for ref in refs:
        image = docker.image_id(ref)
        if image is None:
            raise UsageError(
                f"there is no image {ref} in Docker",
                expected="an image that Docker has",
                seen="`docker image inspect` does not know it",
                todo=f"build it or `docker pull {ref}` first; mind the spelling",
            )
        entries = {f"{ident} {image} {ref}": ident for ident in nodes}
        missing = entries.keys() - done
        if missing:
            wanted.append((ref, entries))
            targets |= {nodes[entries[entry]] for entry in missing}
    if not wanted:
        return
    put([ref for ref, _ in wanted], sorted(targets))
    store.remember_loaded(entry for _, entries in wanted for entry in entries)
