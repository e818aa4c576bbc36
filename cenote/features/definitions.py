"""Feast's side of a lake: its configuration, its registry, and when the definitions must be registered again.

Belongs here: making Feast see this lake and no other. Must not: feature values. The feature repository is an
ordinary one that Feast's own commands understand; it learns where the lake is from ``CENOTE_HOME``, which is set
while its modules are loaded.
"""

import hashlib
import importlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import yaml

from cenote.errors import FeatureError
from cenote.workspace import Workspace
from transforms.imports import without

if TYPE_CHECKING:
    from feast import FeatureStore

_LOADING = threading.Lock()
_OPEN: "WeakKeyDictionary[Workspace, tuple[tuple[int, int], FeatureStore]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Described:
    """What Feast's registry says of a feature view or service, without Feast.

    ``kind``: ``view``, ``on demand`` or ``service``. ``keys``: the entity of each join key. ``ttl``: seconds that a
    value is good for, or None. ``features``: names and types (of a service: ``view:feature``).
    """

    name: str
    kind: str
    keys: dict[str, str]
    features: dict[str, str]
    ttl: float | None = None
    description: str = ""
    owner: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> bool:
        """Whether its values are in a table of the lake."""
        return self.kind == "view"


def described(space: Workspace) -> dict[str, Described]:
    """Every feature view and service by name, as registered last. Raises ``FeatureError`` where none was registered."""
    try:
        listed = json.loads(_summary(space).read_text())
    except FileNotFoundError:
        raise FeatureError("Feast knows no feature views of this lake yet", "run `cenote run`") from None
    return {one["name"]: Described(**one) for one in listed}


def registry_path(space: Workspace) -> Path:
    """Feast's registry of this lake."""
    return space.path("online", "registry.db")


def digest(space: Workspace) -> str:
    """Digest of all that decides what is registered.

    The repository's files, where the lake is, and the online store.
    """
    found = hashlib.sha256(f"{space.settings.home}\x1f{space.settings.online_store}".encode())
    for file in _files(space):
        found.update(b"\x1f" + file.name.encode() + b"\x1f" + file.read_bytes())
    return found.hexdigest()[:16]


def online_file(space: Workspace) -> Path | None:
    """The SQLite file of the online store, where it is one."""
    return space.path("online", "features.db") if space.settings.online_store == "sqlite" else None


def applied(space: Workspace) -> bool:
    """Whether Feast's registry, and the online store that goes with it, know the definitions as they are now."""
    files = [registry_path(space), _note(space), _summary(space), online_file(space) or registry_path(space)]
    return all(file.is_file() for file in files) and _note(space).read_text() == digest(space)


def apply(space: Workspace) -> bool:
    """Register entities, views and services with Feast where their files changed; what is no longer defined goes.

    Returns whether anything had to be done. Raises ``FeatureError`` where the repository cannot be loaded.
    """
    if applied(space):
        return False
    with space.lock("features/registry"), feast_quiet():
        from feast import FeatureStore

        store = FeatureStore(config=_config(space))
        with _definitions(space) as objects:
            kept = {(type(o).__name__, o.name) for o in objects}
            gone = [o for o in _registered(store) if (type(o).__name__, o.name) not in kept]
            store.apply(objects, objects_to_delete=gone, partial=False)
        _summarize(space, store)
        _note(space).write_text(digest(space))
    return True


def feast_store(space: Workspace) -> "FeatureStore":
    """Feast's own ``FeatureStore`` over this lake, kept open until the registry changes.

    Raises ``FeatureError`` where nothing was registered yet.
    """
    try:
        state = registry_path(space).stat()
    except FileNotFoundError:
        raise FeatureError("Feast knows no feature views of this lake yet", "run `cenote run`") from None
    stamp = (state.st_mtime_ns, state.st_ino)
    known = _OPEN.get(space)
    if not known or known[0] != stamp:
        with feast_quiet():
            from feast import FeatureStore

            store = FeatureStore(config=_config(space))
        known = _OPEN[space] = (stamp, store)
    return known[1]


@contextmanager
def feast_quiet() -> Iterator[None]:
    """With Feast imported, and without the warnings that it and its dependencies give about their own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _import_feast()
        warnings.filterwarnings("ignore", "On demand feature view is an experimental feature", RuntimeWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


def _import_feast() -> None:
    """Import Feast without the type checks that it has compiled into its own functions, and without PyTorch.

    They take most of the time.
    """
    if "feast" in sys.modules:
        return
    import typeguard

    checked = typeguard.typechecked
    setattr(typeguard, "typechecked", lambda target=None, **_: target if target is not None else lambda made: made)  # noqa: B010
    try:
        with without("torch"):
            import feast  # noqa: F401
    finally:
        setattr(typeguard, "typechecked", checked)  # noqa: B010


def _files(space: Workspace) -> list[Path]:
    repo = space.settings.feature_repo
    return [file for file in (repo / "feature_store.yaml", *sorted(repo.glob("*.py"))) if file.is_file()]


def _note(space: Workspace) -> Path:
    """Where the digest of the registered definitions is noted."""
    return space.path("online", "registered")


def _summary(space: Workspace) -> Path:
    """Where the registered views and services are written down for those who do not import Feast."""
    return space.path("online", "views.json")


def _summarize(space: Workspace, store: "FeatureStore") -> None:
    """Write down what is registered; aside, then swapped in."""
    entity_of = {entity.join_key: entity.name for entity in store.list_entities()}
    keys: dict[str, dict[str, str]] = {}
    found = []
    for view in store.list_batch_feature_views():
        keys[view.name] = {column.name: entity_of[column.name] for column in view.entity_columns}
        ttl = view.ttl.total_seconds() if view.ttl else None
        found.append(_described(view, "view", keys[view.name], _types(view), ttl))
    for made in store.list_on_demand_feature_views():
        sources = [projection.name for projection in made.source_feature_view_projections.values()]
        keys[made.name] = {key: entity for name in sources for key, entity in keys[name].items()}
        found.append(_described(made, "on demand", keys[made.name], _types(made)))
    for service in store.list_feature_services():
        parts = service.feature_view_projections
        features = {f"{part.name}:{name}": kind for part in parts for name, kind in _types(part).items()}
        joined = {key: entity for part in parts for key, entity in keys[part.name].items()}
        found.append(_described(service, "service", joined, features))
    aside = _summary(space).with_suffix(".new")
    aside.write_text(json.dumps([asdict(one) for one in found], indent=1))
    aside.replace(_summary(space))


def _types(view: Any) -> dict[str, str]:
    return {feature.name: str(feature.dtype) for feature in view.features}


def _described(
    one: Any, kind: str, keys: dict[str, str], features: dict[str, str], ttl: float | None = None
) -> Described:
    return Described(one.name, kind, keys, features, ttl, one.description, one.owner, dict(one.tags))


def _config(space: Workspace) -> Any:
    """Feast's configuration: the repository's project, the lake's places, the online store of the settings."""
    from feast import RepoConfig

    file = space.settings.feature_repo / "feature_store.yaml"
    if not file.is_file():
        raise FeatureError(f"there is no feature_store.yaml in {file.parent}", "correct CENOTE_FEATURE_REPO")
    project = (yaml.safe_load(file.read_text()) or {}).get("project")
    if not project:
        raise FeatureError("feature_store.yaml names no project", "add `project: ...`")
    return RepoConfig(
        project=project,
        provider="local",
        registry={
            "registry_store_type": "cenote.features.stores.LakeRegistryStore",
            "path": str(registry_path(space)),
            "cache_ttl_seconds": 0,
        },
        offline_store={"type": "duckdb"},
        online_store=_online_store(space),
        entity_key_serialization_version=3,
        repo_path=space.settings.feature_repo,
    )


def _online_store(space: Workspace) -> dict[str, str]:
    if file := online_file(space):
        return {"type": "cenote.features.stores.LakeSqliteOnlineStore", "path": str(file)}
    return {
        "type": "cenote.features.redis.LakeRedisOnlineStore",
        "connection_string": space.settings.online_store.removeprefix("redis://"),
    }


@contextmanager
def _definitions(space: Workspace) -> Iterator[list[Any]]:
    """The Feast objects that the repository's modules hold, with those modules importable by each other meanwhile."""
    from feast import Entity, FeatureService, FeatureView, OnDemandFeatureView, Project
    from feast.data_source import DataSource

    kinds = (DataSource, Entity, FeatureService, FeatureView, OnDemandFeatureView, Project)
    repo, names = space.settings.feature_repo, [file.stem for file in _files(space) if file.suffix == ".py"]
    with _LOADING:
        home, hidden = os.environ.get("CENOTE_HOME"), {name: sys.modules.pop(name, None) for name in names}
        os.environ["CENOTE_HOME"] = str(space.settings.home)
        sys.path.insert(0, str(repo))
        try:
            importlib.invalidate_caches()
            found: dict[int, Any] = {}
            for name in names:
                things = vars(importlib.import_module(name)).values()
                found |= {id(thing): thing for thing in things if isinstance(thing, kinds)}
            yield list(found.values())
        except (ImportError, SyntaxError) as error:
            what = f"the feature repository cannot be loaded: {error}"
            raise FeatureError(what, f"correct the files in {repo}") from None
        finally:
            sys.path.remove(str(repo))
            for name, module in hidden.items():
                sys.modules.pop(name, None)
                if module is not None:
                    sys.modules[name] = module
            if home is None:
                del os.environ["CENOTE_HOME"]
            else:
                os.environ["CENOTE_HOME"] = home


def _registered(store: "FeatureStore") -> list[Any]:
    """What Feast's registry knows now, dummy entity aside."""
    entities = [entity for entity in store.list_entities() if entity.name != "__dummy"]
    return [
        *store.list_feature_services(),
        *store.list_on_demand_feature_views(),
        *store.list_batch_feature_views(),
        *entities,
        *store.list_data_sources(),
    ]
