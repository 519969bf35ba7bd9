"""Loading of images onto nodes, once for each pair of node and image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.core.errors import UsageError
from harness.infra.docker import Docker
from harness.infra.providers.kind.state import Store

#: Loads images (first argument) onto nodes (second argument), both by name.
Put = Callable[[Sequence[str], Sequence[str]], None]


def load(
    refs: Iterable[str], nodes: Mapping[str, str], docker: Docker, store: Store, put: Put
) -> None:
    """Load images onto nodes, except where they are loaded already.

    Args:
        refs: The images' references in the Docker engine.
        nodes: The nodes' names, by container id.
        docker: The engine that has the images.
        store: Remembers which image is on which node.
        put: Loads images onto nodes.

    Raises:
        UsageError: Docker does not have one of the images.
    """
    loaded, pending, targets = store.loaded(), [], set()
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
        missing = entries.keys() - loaded
        if missing:
            pending.append((ref, entries))
            targets |= {nodes[entries[entry]] for entry in missing}
    if not pending:
        return
    put([ref for ref, _ in pending], sorted(targets))
    store.remember_loaded(entry for _, entries in pending for entry in entries)
