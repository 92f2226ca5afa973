"""Receives uploaded files within bounds: they go to the disk, and one that is too large is not kept at all."""

from typing import Any, Final

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from invites.files import MOST_BYTES

TOO_LARGE: Final = "upload_is_too_large"
"""Where `BoundedUploadHandler` says in ``request.META`` that a file was too large; a form tells the person so."""


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Keeps no file with a byte too many. What follows of it is read and dropped, so that the browser gets its answer
    and the form its other fields.

    The limit is that of a list of people; nothing else is uploaded.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Notes the file's request, whose own ``META`` this is."""
        self._meta = META
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keeps the next piece. Raises SkipFile where the file has become too large."""
        self._received += len(raw_data)
        if self._received > MOST_BYTES:
            self._meta[TOO_LARGE] = True
            self.upload_interrupted()
            raise SkipFile
        super().receive_data_chunk(raw_data, start)
        return None
