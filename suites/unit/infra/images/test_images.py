"""Recipes are keyed by content, sources choose, archives are checked."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from harness import manifests
from harness.core.errors import CommandFailed, InfrastructureError, UsageError
from harness.infra.docker import Docker
from harness.infra.images import archive, go_build, sources
from harness.infra.images.build import Builder
from harness.infra.images.recipe import Catalogue
from harness.infra.settings import Settings

DIGEST = "sha256:" + "a" * 64


class Engine(Docker):
    """A Docker engine that has names only; what it builds is what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        self.built: dict[str, dict[str, bytes]] = {}
        self.pulled: list[str] = []
        self.registry_answers = True

    def image_id(self, ref: str) -> str | None:
        return self.names.get(ref)

    def build(self, context: Path, tag: str, **options: object) -> None:
        files = [path for path in context.rglob("*") if path.is_file()]
        self.built[tag] = {p.relative_to(context).as_posix(): p.read_bytes() for p in files}
        self.built[tag]["args"] = repr(options["args"]).encode()
        self.names[tag] = f"id of {tag}"

    def pull(self, ref: str, on_line: object = None) -> None:
        self.pulled.append(ref)
        self.names[ref] = f"id of {ref}"

    def tag(self, ref: str, name: str) -> None:
        self.names[name] = self.names[ref]

    def untag(self, *refs: str) -> None:
        for ref in refs:
            del self.names[ref]

    def save(self, refs: object, path: Path) -> None:
        path.write_text(repr(refs))

    def load(self, path: Path) -> None:
        self.names |= dict.fromkeys(eval(path.read_text()), "loaded")  # noqa: S307  # our own repr

    def run(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        assert arguments[:2] == ("manifest", "inspect")
        return type("Answer", (), {"ok": self.registry_answers})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUEUEJOB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """Two images: `plain`, and `top`, which stands on it and takes a Go binary."""
    folder = tmp_path / "images"
    for name, recipe in {
        "plain": f"role: base\npublished: plain@{DIGEST}\n",
        "top": "role: worker\nfrom: plain\nbinaries: [tool/prog]\n"
        "embeds: {plain: a.example/plain:1}\n",
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "recipe.yaml").write_text(recipe)
        (folder / name / "Dockerfile").write_text(f"# {name}\n")
    module = folder / "go" / "tool"
    module.mkdir(parents=True)
    (module / "build.yaml").write_text("version: v1\nbinaries: {prog: example/prog}\n")
    (module / "go.mod").write_text("module tool\n")
    return folder


def test_a_key_changes_with_whatever_goes_into_the_image(recipes: Path) -> None:
    before = Catalogue(recipes).tag("top")
    for file, added in {
        "plain/Dockerfile": "RUN true",
        "top/Dockerfile": "RUN true",
        "go/tool/go.mod": "go 1.24",
        "top/recipe.yaml": "args: {A: b}",
    }.items():
        old = (recipes / file).read_text()
        (recipes / file).write_text(f"{old}\n{added}\n")
        assert Catalogue(recipes).tag("top") != before, file
        (recipes / file).write_text(old)
    assert Catalogue(recipes).tag("top") == before


def test_a_key_does_not_depend_on_where_the_recipes_are(recipes: Path, tmp_path: Path) -> None:
    shutil.copytree(recipes, tmp_path / "elsewhere")
    (tmp_path / "elsewhere/top/Dockerfile").chmod(0o755)
    assert Catalogue(tmp_path / "elsewhere").tag("top") == Catalogue(recipes).tag("top")


def test_what_is_pulled_has_another_key_and_so_has_what_stands_on_it(recipes: Path) -> None:
    built, pulled = Catalogue(recipes), Catalogue(recipes, {"plain": f"plain@{DIGEST}"})
    assert built.tag("plain") != pulled.tag("plain")
    assert built.tag("top") != pulled.tag("top")


def test_a_go_module_can_have_its_code_elsewhere(recipes: Path, tmp_path: Path) -> None:
    plan = "version: v1\nbinaries: {prog: ./prog}\nsource: ../../../code\n"
    (recipes / "go/tool/build.yaml").write_text(plan)
    code = tmp_path / "code"
    code.mkdir()
    (code / "main.go").write_text("package main\n")
    before = Catalogue(recipes).module_key("tool")
    assert Catalogue(recipes).module_folder("tool") == code
    (code / "main.go").write_text("package main // changed\n")
    assert Catalogue(recipes).module_key("tool") != before


def test_an_unknown_recipe_is_named_with_those_there_are(recipes: Path) -> None:
    with pytest.raises(UsageError, match=r"no image recipe 'toop'\n.*one of plain, top"):
        Catalogue(recipes).tag("toop")


def test_a_recipe_with_an_unknown_field_is_refused(recipes: Path) -> None:
    (recipes / "top" / "recipe.yaml").write_text("role: worker\nfron: plain\n")
    with pytest.raises(UsageError, match="unknown field `fron`"):
        Catalogue(recipes)


def test_an_image_is_built_with_its_parts_and_only_once(recipes: Path) -> None:
    catalogue, engine = Catalogue(recipes), Engine()
    go_build.adopt(catalogue, "tool/prog", b"binary")
    builder = Builder(catalogue, engine)
    told: list[str] = []
    tag = builder.build("top", told.append)
    assert tag == catalogue.tag("top")
    assert engine.built[tag]["bin/prog"] == b"binary"
    assert engine.built[tag]["embedded.tar"] == b"['a.example/plain:1']"
    assert catalogue.tag("plain").encode() in engine.built[tag]["args"]
    assert set(engine.names) == {catalogue.tag("plain"), tag}
    told.clear()
    builder.build("top", told.append)
    assert told == []


def test_what_begins_with_a_shebang_is_executable_in_the_context(recipes: Path) -> None:
    (recipes / "plain" / "run.sh").write_text("#!/bin/sh\n")
    modes: dict[str, int] = {}

    class Looking(Engine):
        def build(self, context: Path, tag: str, **options: object) -> None:
            modes.update({p.name: p.stat().st_mode & 0o777 for p in context.iterdir()})
            super().build(context, tag, **options)

    Builder(Catalogue(recipes), Looking()).build("plain", lambda _: None)
    assert modes == {"run.sh": 0o755, "Dockerfile": 0o644}


def test_a_context_is_removed_also_when_the_build_fails(recipes: Path, cache: Path) -> None:
    class Failing(Engine):
        def build(self, context: Path, tag: str, **options: object) -> None:
            raise InfrastructureError("no disk")

    with pytest.raises(InfrastructureError, match="no disk"):
        Builder(Catalogue(recipes), Failing()).build("plain", lambda _: None)
    assert list((cache / "contexts").iterdir()) == []


MUTANT = """
of: top
says: It is slow.
must: [L3]
changes: [{file: app/run.sh, old: fast, new: slow}]
command: [app/run.sh, --once]
"""


@pytest.fixture
def mutants(recipes: Path) -> Path:
    """The folder of one mutant, `slow`, of the image `top`."""
    (recipes / "top" / "app").mkdir()
    (recipes / "top" / "app" / "run.sh").write_text("#!/bin/sh\necho fast\n")
    folder = recipes.parent / "workers" / "mutants" / "slow"
    folder.mkdir(parents=True)
    (folder / "mutant.yaml").write_text(MUTANT)
    return folder


@pytest.mark.usefixtures("mutants")
def test_a_mutant_is_its_origin_with_the_changed_files(recipes: Path) -> None:
    catalogue, engine = Catalogue(recipes), Engine()
    go_build.adopt(catalogue, "tool/prog", b"binary")
    built = engine.built[Builder(catalogue, engine).build("slow", lambda _: None)]
    assert built["changed/app/run.sh"] == b"#!/bin/sh\necho slow\n"
    assert built["Dockerfile"].decode().splitlines() == [
        "ARG BASE",
        "FROM ${BASE}",
        "COPY changed/ ./",
        'CMD ["app/run.sh", "--once"]',
    ]
    assert catalogue.tag("top").encode() in built["args"]
    assert set(built) == {"Dockerfile", "changed/app/run.sh", "args"}


def test_a_mutants_key_changes_with_what_it_is_and_not_with_what_is_said_of_it(
    recipes: Path, mutants: Path
) -> None:
    def tag(old: str, new: str) -> str:
        (mutants / "mutant.yaml").write_text(MUTANT.replace(old, new))
        return Catalogue(recipes).tag("slow")

    before = Catalogue(recipes).tag("slow")
    assert tag("new: slow", "new: slower") != before
    assert tag("--once", "--twice") != before
    assert tag("It is slow", "It is very slow") == before
    assert tag("must: [L3]", "must: [L2]") == before
    (recipes / "top" / "app" / "run.sh").write_text("#!/bin/sh\nexec echo fast\n")
    assert Catalogue(recipes).tag("slow") != before


def test_a_mutant_of_a_compiled_worker_is_its_origin_with_another_program(
    recipes: Path, mutants: Path
) -> None:
    (mutants / "mutant.yaml").write_text("of: top\nsays: It is slow.\nbinaries: [tool/prog]\n")
    catalogue, engine = Catalogue(recipes), Engine()
    go_build.adopt(catalogue, "tool/prog", b"binary")
    built = engine.built[Builder(catalogue, engine).build("slow", lambda _: None)]
    assert built["bin/prog"] == b"binary"
    assert "COPY bin/ ./bin/" in built["Dockerfile"].decode()
    (recipes / "go" / "tool" / "go.mod").write_text("module tool // changed\n")
    assert Catalogue(recipes).tag("slow") != catalogue.tag("slow")


@pytest.mark.usefixtures("mutants")
@pytest.mark.parametrize("content", ["echo quick", "echo fast fast"])
def test_a_mutant_that_does_not_fit_is_refused(recipes: Path, content: str) -> None:
    (recipes / "top" / "app" / "run.sh").write_text(content)
    catalogue, engine = Catalogue(recipes), Engine()
    go_build.adopt(catalogue, "tool/prog", b"binary")
    with pytest.raises(UsageError, match=r"slow does not fit top\n.*exactly once in app/run.sh"):
        Builder(catalogue, engine).build("slow", lambda _: None)
    assert catalogue.tag("slow") not in engine.names


@pytest.mark.usefixtures("mutants")
def test_mutants_are_not_among_what_every_cluster_has(recipes: Path) -> None:
    catalogue = Catalogue(recipes)
    assert catalogue.wanted("mutant") == ("slow",)
    assert "slow" not in sources.final(catalogue)


def choose(engine: Engine, **fields: object) -> sources.Images:
    return sources.choose(Settings(**fields), engine, lambda _: None)  # type: ignore[arg-type]


def test_auto_takes_the_registry_when_it_answers_and_else_packages() -> None:
    engine = Engine()
    assert choose(engine).source == "registry"
    engine.registry_answers = False
    assert choose(engine).source == "packages"


def test_auto_asks_no_registry_when_everything_is_here() -> None:
    engine = Engine()
    built = Catalogue(manifests.folder() / "images")
    engine.names = {built.tag(name): "here" for name in sources.final(built)}
    engine.registry_answers = True
    assert choose(engine).source == "packages"


def test_the_registry_source_pulls_by_digest() -> None:
    engine = Engine()
    images = choose(engine, images="registry")
    images.provide("redis", lambda _: None)
    assert [ref.rpartition("@")[2][:7] for ref in engine.pulled] == ["sha256:"]
    assert images.catalogue.tag("redis") in engine.names


def test_a_pull_that_fails_says_what_to_check() -> None:
    class Lacking(Engine):
        def pull(self, ref: str, on_line: object = None) -> None:
            raise CommandFailed("docker pull failed", seen="manifest unknown")

    with pytest.raises(InfrastructureError, match="redis cannot be pulled") as caught:
        choose(Lacking(), images="registry").provide("redis", lambda _: None)
    assert "manifest unknown" in str(caught.value)
    assert "check the reference" in str(caught.value)


def test_every_published_reference_names_a_digest() -> None:
    published = Catalogue(manifests.folder() / "images").published()
    assert {"node", "redis", "rabbitmq"} <= set(published)
    for reference in published.values():
        assert len(reference.partition("@sha256:")[2]) == 64, reference


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("redis: redis:7", "a reference by digest"),
        (f"reddis: redis@{DIGEST}", "no image recipe 'reddis'"),
        ("- redis", "cannot read"),
    ],
)
def test_a_bad_file_of_references_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "refs.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        choose(Engine(), images="registry", image_refs=file)


def test_an_own_reference_replaces_the_published_one(tmp_path: Path) -> None:
    file = tmp_path / "refs.yaml"
    file.write_text(f"redis: localhost:5000/redis@{DIGEST}\n")
    engine = Engine()
    choose(engine, images="registry", image_refs=file).provide("redis", lambda _: None)
    assert engine.pulled == [f"localhost:5000/redis@{DIGEST}"]


def saved(recipes: Path, file: Path) -> tuple[Catalogue, Engine]:
    catalogue, engine = Catalogue(recipes), Engine()
    go_build.adopt(catalogue, "tool/prog", b"binary")
    Builder(catalogue, engine).build("top", lambda _: None)
    archive.save(
        file, catalogue, ("plain", "top"), ("tool/prog",), docker=engine, notify=lambda _: None
    )
    return catalogue, engine


def test_an_archive_brings_images_and_binaries(recipes: Path, tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "all.tar"
    catalogue, engine = saved(recipes, file)
    shutil.rmtree(cache)
    empty = Engine()
    archive.load(file, catalogue, empty, lambda _: None)
    assert set(empty.names) == set(engine.names)
    program = go_build.present(catalogue, "tool/prog")
    assert program is not None
    assert program.read_bytes() == b"binary"
    assert program.stat().st_mode & 0o111


def test_an_archive_brings_its_binaries_also_where_all_images_are(
    tmp_path: Path, cache: Path
) -> None:
    file, engine = tmp_path / "all.tar", Engine()
    catalogue = Catalogue(manifests.folder() / "images")
    final = sources.final(catalogue)
    engine.names = {catalogue.tag(name): "here" for name in final}
    go_build.adopt(catalogue, "kind/kind", b"binary")
    archive.save(file, catalogue, final, ("kind/kind",), docker=engine, notify=lambda _: None)
    shutil.rmtree(cache)
    choose(engine, images="archive", archive=file)
    assert go_build.present(catalogue, "kind/kind") is not None


def test_a_damaged_archive_is_refused_and_nothing_is_loaded(recipes: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    catalogue, _ = saved(recipes, file)
    content = file.read_bytes()
    file.write_bytes(content.replace(b"binary", b"bineri"))
    empty = Engine()
    with pytest.raises(InfrastructureError, match=r"is damaged\n.*bin/tool/prog"):
        archive.load(file, catalogue, empty, lambda _: None)
    assert empty.names == {}


def test_an_archive_of_other_recipes_is_refused(recipes: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    saved(recipes, file)
    (recipes / "plain" / "Dockerfile").write_text("# changed\n")
    with pytest.raises(UsageError, match="made from other recipes"):
        archive.load(file, Catalogue(recipes), Engine(), lambda _: None)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "a.tar", tmp_path / "b.tar"
    text.write_text("hello")
    with tarfile.open(other, "w") as tar:
        tar.add(text, "hello")
    for file in (text, other):
        with pytest.raises(UsageError, match="is not an archive of this tool"):
            archive.contents(file)


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("sigs.k8s.io/kind", "kind"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
    ],
)
def test_a_program_is_found_under_the_name_that_go_gives_it(
    recipes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    (recipes / "go/tool/build.yaml").write_text(f"version: v1\nbinaries: {{prog: {package}}}\n")
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\n[ "$1" = env ] && { echo go1.99.0; exit; }\n'
        f'while [ "$1" != -o ]; do shift; done\necho built > "$2/{name}"\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    file = go_build.binary(Catalogue(recipes), "tool/prog", lambda _: None)
    assert (file.name, file.read_text()) == ("prog", "built\n")
    assert [path.name for path in file.parent.iterdir()] == ["prog"]
