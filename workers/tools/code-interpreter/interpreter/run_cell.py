"""Runs one cell of code as a notebook would, and returns its result. Each interpreter loads this file once.

This file is no protection: the cell can reach and change all of it. The protection is outside the interpreter.
"""

import asyncio
import base64
import builtins
import hashlib
import json
import linecache
import os
import random
import signal
import sys
import traceback

import __main__
from pyodide.code import eval_code_async

WORKING_FOLDER = "/mnt/data"
IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml"}
REPRESENTATIONS = {"_repr_png_": "image/png", "_repr_jpeg_": "image/jpeg", "_repr_svg_": "image/svg+xml"}

_limits = {}
_known = {}
_images = []
_streams = (sys.stdout, sys.stderr)
_cells = 0
_was_woken = False


class TimeIsUp(BaseException):
    """Interrupts a cell at its timeout. Not an Exception, so that few cells catch it by accident."""


def _interrupt(_signal, frame):
    # Only within a cell: the event loop would not survive the exception.
    while frame is not None:
        if frame.f_code.co_filename.startswith("<cell "):
            raise TimeIsUp
        frame = frame.f_back


def wake():
    """Cancels the tasks that a cell is waiting for at its timeout."""
    global _was_woken
    _was_woken = True
    for task in asyncio.all_tasks(asyncio.get_event_loop()):
        # A task without a waiter is running: a time.sleep or asyncio.run blocks within it.
        if getattr(task, "_fut_waiter", None) is not None:
            task.cancel()


def _image_type(data):
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if b"<svg" in data[:1024]:
        return "image/svg+xml"
    return None


def _as_image(value):
    """The (media type, bytes) of a value that is or renders an image, or None."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        media_type = _image_type(data)
        return None if media_type is None else (media_type, data)
    if isinstance(value, type):
        return None
    for name, media_type in REPRESENTATIONS.items():
        method = getattr(value, name, None)
        data = method() if callable(method) else None
        if data is not None:
            return media_type, data.encode() if isinstance(data, str) else bytes(data)
    return None


def display(*values):
    """Shows images (bytes, or objects with _repr_png_, _repr_jpeg_ or _repr_svg_), and prints the repr of other values."""
    for value in values:
        image = _as_image(value)
        if image is None:
            print(repr(value))
        else:
            _images.append(image)


def _walk():
    """The regular files of the working folder, by name. Does not follow links."""
    for folder, _, names in os.walk(WORKING_FOLDER):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, WORKING_FOLDER), path


def _write_files(files):
    for file in files:
        path = os.path.join(WORKING_FOLDER, file["name"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = base64.b64decode(file["bytes"])
        with open(path, "wb") as out:
            out.write(data)
        _known[file["name"]] = hashlib.sha256(data).digest()


def _collect_files():
    """The files that were created, changed and deleted since the last call, within the limits."""
    changed, seen, left_out, total = [], set(), [], 0
    for name, path in _walk():
        seen.add(name)
        if len(seen) > _limits["max_files"] or total + os.path.getsize(path) > _limits["max_file_bytes"]:
            left_out.append(name)
            continue
        with open(path, "rb") as file:
            data = file.read()
        total += len(data)
        digest = hashlib.sha256(data).digest()
        if _known.get(name) != digest:
            _known[name] = digest
            changed.append((name, data))
    deleted = sorted(set(_known) - seen)
    for name in deleted:
        del _known[name]
    return changed, deleted, left_out


def _choose_images(changed):
    """The images to show, within the limits. An image that is also a file is named, not repeated."""
    displayed = [(media_type, data, None) for media_type, data in _images]
    written = [(IMAGE_TYPES[os.path.splitext(name)[1].lower()], data, name)
               for name, data in changed if os.path.splitext(name)[1].lower() in IMAGE_TYPES]
    chosen, left, left_out = [], _limits["max_image_bytes"], False
    for media_type, data, name in (displayed + written)[: _limits["max_images"]]:
        if len(data) > left:
            left_out = True
            continue
        left -= len(data)
        source = {"bytes": base64.b64encode(data).decode()} if name is None else {"file": name}
        chosen.append({"media_type": media_type, **source})
    return chosen, left_out


def _cell_trace(error, filename):
    """The traceback without the frames of this file and Pyodide."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    return trace or error.__traceback__


def _describe(error, filename):
    if isinstance(error, SyntaxError) and error.filename == filename:
        return "".join(traceback.format_exception_only(error))
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        error.msg = f"No module named {error.name!r} (only Python's standard library is available)"
        error.args = (error.msg,)
    return "".join(traceback.format_exception(type(error), error, _cell_trace(error, filename)))


async def _execute(code, filename):
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    value = await eval_code_async(code, __main__.__dict__, filename=filename)
    if value is not None:
        builtins._ = value
        display(value)


def begin(limits):
    _limits.update(json.loads(limits))
    random.seed()


def _flush():
    """Flushes a cell's output, so that it does not appear in the next cell's log."""
    for stream in (*_streams, sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # The cell closed or replaced the stream, so its remaining output is lost.
            pass


async def run_cell(request):
    global _cells, _was_woken
    request = json.loads(request)
    _images.clear()
    _cells += 1
    _was_woken = False
    filename = f"<cell {_cells}>"
    result = {"run": request["run"]}
    try:
        os.makedirs(WORKING_FOLDER, exist_ok=True)
        os.chdir(WORKING_FOLDER)
        _write_files(request["files"])
        await _execute(request["code"], filename)
    except BaseException as error:
        if isinstance(error, TimeIsUp) or (_was_woken and isinstance(error, asyncio.CancelledError)):
            result["timed_out"] = True
        else:
            result["error"] = _describe(error, filename)
    changed, deleted, left_out = _collect_files()
    if left_out:
        print(f"[{len(left_out)} files exceed the limits of the working folder and were discarded, starting with {left_out[0]!r}]")
    result["images"], images_left_out = _choose_images(changed)
    _images.clear()
    if images_left_out:
        print("[Some images were too large to show.]")
    result["files"] = [{"name": name, "bytes": base64.b64encode(data).decode()} for name, data in changed]
    result["deleted"] = deleted
    _flush()
    return json.dumps(result)


def _prepare():
    os.makedirs(WORKING_FOLDER, exist_ok=True)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)
    builtins.display = display
    signal.signal(signal.SIGINT, _interrupt)


_prepare()
