"""Files of a register's stock that somebody has put into the object store, beside the vault's own buckets."""

from storage.blobs import BlobStore
from vault.errors import InputError


def stock_file(blobs: BlobStore, bucket: str, name: str, size_max_bytes: int) -> bytes:
    """A file by its name in a bucket that is not the vault's own.

    Raises:
        NotFound: there is no such file.
        InputError: it is too large.
        Unavailable: the store does not answer, or refuses.
    """
    content = bytearray()
    for part in blobs.foreign_parts(bucket, name):
        content += part
        if len(content) > size_max_bytes:
            raise InputError(f"Expected a file of at most {size_max_bytes} bytes.")
    return bytes(content)
