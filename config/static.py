"""Static files with hashed names, compressed once at build time."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_MODULE_IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns[1]  # type: ignore[attr-defined]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Our own ES modules import each other by hashed name too, so that all of them can be cached for ever.

    Only `static/js/`: in other packages' scripts Django's patterns find imports that are none.
    """

    patterns = (*HashedFilesMixin.patterns, ("js/*.js", _MODULE_IMPORTS))
