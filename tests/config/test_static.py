"""Static files as production serves them: hashed names, also between ES modules."""

import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
    return folder


def test_modules_import_each_other_by_hashed_names(built):
    hashed = [path for path in (built / "js").rglob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", path.name)]
    assert any(path.name.startswith("main.") and path.parent.name == "chat" for path in hashed)
    imports = 0
    for path in hashed:
        for target in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", path.read_text()):
            assert re.search(r"\.[0-9a-f]{12}\.js$", target), f"{path.name} imports {target}"
            assert (path.parent / target).resolve().exists(), f"{path.name} imports {target}, which is not there"
            imports += 1
    assert imports


def test_files_are_compressed_once(built):
    assert list((built / "css").glob("base.*.css.br"))
    assert list((built / "css").glob("base.*.css.gz"))
