"""Static files as production serves them: hashed names, also between ES modules; scripts made small."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
from django.test import override_settings

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "static" / "js"
HASHED = re.compile(r"\.[0-9a-f]{12}(?=\.js$)")
IMPORTS = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
STATIC_IMPORTS = re.compile(r"""^(?:import|export)\b[^"'()]*["'](\.[^"']+)["']""", re.MULTILINE)
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")

# Prints what each script says, as a tree, without where it says it: a line per file. The parser is Node's own.
TREES = """
const acorn = require("internal/deps/acorn/acorn/dist/acorn");
for (const file of process.argv.slice(1)) {
  const tree = acorn.parse(require("fs").readFileSync(file, "utf8"), { ecmaVersion: "latest", sourceType: "module" });
  console.log(JSON.stringify(tree, (key, value) => (key === "start" || key === "end" ? undefined : value)));
}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
    return folder


@pytest.fixture(scope="module")
def scripts(built):
    """Each script as written, and what was made of it."""
    names = json.loads((built / "staticfiles.json").read_text())["paths"]
    return {SCRIPTS.parent / name: built / names[name] for name in names if name.startswith("js/")}


def closure(script: Path) -> set[Path]:
    """What a script imports, and what that imports."""
    found: set[Path] = set()
    more = {script}
    while more:
        one = more.pop()
        imported = {(one.parent / name).resolve() for name in STATIC_IMPORTS.findall(one.read_text())}
        more |= imported - found
        found |= imported
    return found


def node(*arguments: object, **options) -> str:
    command = ["node", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_modules_import_each_other_by_hashed_names(scripts):
    imports = 0
    for made in scripts.values():
        assert HASHED.search(made.name)
        for target in IMPORTS.findall(made.read_text()):
            assert HASHED.search(target), f"{made.name} imports {target}"
            assert (made.parent / target).resolve().exists(), f"{made.name} imports {target}, which is not there"
            imports += 1
    assert imports


def test_files_are_compressed_once(built):
    assert list((built / "css").glob("base.*.css.br"))
    assert list((built / "css").glob("base.*.css.gz"))


def test_scripts_are_served_without_comments_and_spaces(scripts, capsys):
    assert set(SCRIPTS.rglob("*.js")) == set(scripts)
    for written, made in scripts.items():
        assert made.stat().st_size < written.stat().st_size, written
    page = {SCRIPTS / "site" / "main.js", SCRIPTS / "chat" / "main.js"}
    page = set.union(page, *map(closure, page))
    br = sum(made.with_name(f"{made.name}.br").stat().st_size for written, made in scripts.items() if written in page)
    gz = sum(made.with_name(f"{made.name}.gz").stat().st_size for written, made in scripts.items() if written in page)
    before = sum(len(gzip.compress(path.read_bytes())) for path in page)
    with capsys.disabled():
        sizes = f"Brotli {br / 1024:.1f} KB, gzip {gz / 1024:.1f} KB, as written {before / 1024:.1f} KB"
        print(f"\nchat: JS in {len(page)} modules, {sizes}")  # noqa: T201


@needs_node
def test_minified_scripts_say_what_was_written(scripts):
    try:
        written = node("--expose-internals", "-e", TREES, *scripts.keys()).splitlines()
    except AssertionError as error:
        if "MODULE_NOT_FOUND" in str(error):
            pytest.skip("This Node keeps its parser elsewhere")
        raise
    made = node("--expose-internals", "-e", TREES, *scripts.values()).splitlines()
    for path, before, after in zip(scripts, written, made, strict=True):
        assert re.sub(r"\.[0-9a-f]{12}\.js", ".js", after) == before, path


@needs_node
def test_the_units_pass_on_minified_scripts(scripts, tmp_path):
    for folder in ("js", "corpus"):
        shutil.copytree(ROOT / "tests" / folder, tmp_path / "tests" / folder)
    for written, made in scripts.items():
        place = tmp_path / written.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, place)  # by the name that the units import
        shutil.copy(made, place.with_name(made.name))  # by the name that its neighbours do
    files = sorted((tmp_path / "tests" / "js").glob("*.test.*js"))
    assert files
    node("--test", *files, cwd=tmp_path)
    for script in (tmp_path / "static").rglob("*.js"):
        module = shutil.copy(script, tmp_path / "module.mjs")
        node("--check", module)


@pytest.mark.parametrize(
    ("template", "entries"), [("base.html", ["site/main.js"]), ("chat/_base.html", ["site/main.js", "chat/main.js"])]
)
def test_no_page_waits_for_one_import_after_the_other(template, entries):
    """What its scripts import, the page itself asks for: each module once, and nothing that is not imported."""
    html = Path(get_template(template).origin.name).read_text()
    if template != "base.html":
        html += Path(get_template("base.html").origin.name).read_text()
    preloaded = re.findall(r"""modulepreload" href="{% static 'js/([^']+)'""", html)
    needed = set.union(*(closure(SCRIPTS / entry) for entry in entries))
    assert sorted(preloaded) == sorted(str(path.relative_to(SCRIPTS)) for path in needed)
