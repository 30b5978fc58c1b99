"""What a file is, by its content: recordings by FFmpeg's demuxers, the rest by the bytes they begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import av.error

# (offset, bytes, type). A file that is none of these and no recording is kept as "application/octet-stream".
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),  # office documents too
)
# FFmpeg's name of a container -> media type; only what a browser can play is shown with a player.
CONTAINERS = {
    "ogg": "audio/ogg",
    "matroska,webm": "audio/webm",
    "mov,mp4,m4a,3gp,3g2,mj2": "audio/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "amr": "audio/amr",
}


@dataclass(frozen=True)
class Probed:
    media_type: str
    seconds: float | None  # of a recording, when its container says so

    @property
    def is_recording(self) -> bool:
        return self.media_type.startswith("audio/")


def probe(path: Path) -> Probed:
    """The type of a file by its content, whatever its name or sender claims; never decodes it. 3 ms.

    A film counts as "application/octet-stream", and so does a file that is damaged from the start.
    """
    with path.open("rb") as file:
        head = file.read(16)
    for offset, signature, media_type in SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return Probed(media_type, None)
    try:
        with av.open(str(path)) as container:
            kind = CONTAINERS.get(container.format.name)
            if kind is None or not container.streams.audio or container.streams.video:
                return Probed("application/octet-stream", None)
            seconds = container.duration / av.time_base if container.duration is not None else None
            return Probed(kind, seconds)
    except (av.error.FFmpegError, ValueError, IndexError, OSError):
        return Probed("application/octet-stream", None)
