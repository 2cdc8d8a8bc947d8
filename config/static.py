"""Static files with hashed names, our own scripts without comments and spaces, compressed once at build time."""

from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from rjsmin import jsmin  # type: ignore[import-untyped]
from whitenoise.storage import CompressedManifestStaticFilesStorage

_MODULE_IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns[1]  # type: ignore[attr-defined]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Our own ES modules import each other by hashed name too, so that all of them can be cached for ever.

    Only `static/js/`: in other packages' scripts Django's patterns find imports that are none.
    """

    patterns = (*HashedFilesMixin.patterns, ("js/*.js", _MODULE_IMPORTS))

    def post_process(self, paths: dict[str, tuple[Storage, str]], *args: Any, **kwargs: Any) -> Iterator[Any]:
        """As WhiteNoise does it, with our scripts minified before they are hashed.

        The copies without a hash in their names, which no page asks for, stay as they were written.
        """
        ours = {name: (_Minified(found), path) for name, (found, path) in paths.items() if name.startswith("js/")}
        return super().post_process({**paths, **ours}, *args, **kwargs)


class _Minified:
    """A folder of scripts, read without what is there for people only: no name is changed, no code moved."""

    def __init__(self, written: Storage) -> None:
        self._written = written

    def open(self, path: str) -> ContentFile:
        with self._written.open(path) as script:
            return ContentFile(jsmin(script.read()))
