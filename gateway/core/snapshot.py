"""The bank's state as bytes: a JSON head and named arrays, in numpy's own zip format. Never pickle.

Every array has signals (or alarms) as its last axis, and the head carries their ids, so that a changed site takes over
what still exists. The zip's checksums find damage.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.model.errors import StoreError
from gateway.model.text import Text

VERSION = 1
_HEAD = "head"


class SnapshotError(StoreError):
    """These bytes are no snapshot that this version can read. Start empty, then `Bank.adopt` what stands."""


def pack(head: dict, arrays: Mapping[str, NDArray]) -> bytes:
    text = json.dumps(head | {"version": VERSION}, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    np.savez(buffer, **{_HEAD: np.frombuffer(text, np.uint8)}, **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[dict, dict[str, NDArray]]:
    """Head and arrays. SnapshotError when the bytes are damaged or of another version."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        head = json.loads(arrays.pop(_HEAD).tobytes())
        version = head["version"]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise unreadable(error) from error
    if version != VERSION:
        raise SnapshotError(Text(f"the saved detector state has version {version}, this gateway reads {VERSION}",
                                 f"已保存的检测状态版本为 {version}，本网关可读取的版本为 {VERSION}"), fix=_FIX)
    return head, arrays


def unreadable(error: Exception) -> SnapshotError:
    what = Text(f"the saved detector state can not be read: {error}", f"已保存的检测状态无法读取：{error}")
    return SnapshotError(what, fix=_FIX)


_FIX = Text("nothing to do: detection starts with empty state and stored data is evaluated again",
            "无需处理：检测从空状态启动，并重新评估已存储的数据")


def overlap(old: Sequence[str], new: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in `old` and in `new` of the ids that both have."""
    place = {name: position for position, name in enumerate(new)}
    pairs = [(position, place[name]) for position, name in enumerate(old) if name in place]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def transfer(saved: NDArray | None, live: NDArray, there: NDArray[np.int64], here: NDArray[np.int64],
             size: int) -> None:
    """Write saved columns `there` (of `size`) into live columns `here`; an array of another shape is left out."""
    if saved is not None and saved.shape == (*live.shape[:-1], size) and np.can_cast(saved.dtype, live.dtype):
        live[..., here] = saved[..., there]
