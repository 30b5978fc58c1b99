"""Office files that are the same bytes whenever they are made from the same data."""

from __future__ import annotations

import io
import re
import zipfile

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP archive can hold
_WHEN = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</)")


def without_times(content: bytes) -> bytes:
    """The same XLSX or DOCX with one time for all: in its ZIP entries and its properties."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "docProps/core.xml":
                data = _WHEN.sub(rb"\g<1>1980-01-01T00:00:00Z\2", data)
            info = zipfile.ZipInfo(entry.filename, FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            new.writestr(info, data)
    return buffer.getvalue()
