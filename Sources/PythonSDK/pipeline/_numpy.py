"""NumPy arrays as `.npy` (NEP 1), without pickled objects.

Imported only once a value is an array.
"""

from __future__ import annotations

import io
import math
from importlib import import_module

from pipeline.values import DecodingError, EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

    from pipeline._memory import Buffer

_MAGIC = b"\x93NUMPY"
# A header describes a type and a shape; longer ones are an attack on the
# parser (the limit is NumPy's own).
_HEADER_LIMIT = 10_000


def chunks(array: Any) -> List[Buffer]:
    """The header and the elements of an array, without a copy if it can be.

    :raises EncodingError: for arrays of Python objects and masked arrays
    """
    numpy: Any = import_module("numpy")
    if isinstance(array, numpy.ma.MaskedArray):
        raise EncodingError(
            "a masked array can't be carried; use .filled(...) or pass the "
            "mask as an output of its own"
        )
    array = numpy.asarray(array)
    if array.dtype.hasobject:
        raise EncodingError(
            "an array of Python objects can't be carried; convert it with "
            ".astype(...) or .tolist()"
        )
    header = io.BytesIO()
    numpy.lib.format.write_array_header_2_0(
        header, numpy.lib.format.header_data_from_array_1_0(array)
    )
    if array.size == 0 or array.itemsize == 0:
        return [header.getvalue()]
    columns_first = array.flags.f_contiguous and not array.flags.c_contiguous
    flat = array.ravel(order="F" if columns_first else "C")
    return [header.getvalue(), memoryview(flat.view(numpy.uint8))]


def view(data: Buffer) -> Any:
    """A read-only array over the bytes of a `.npy`.

    :raises DecodingError: when they aren't one, or NumPy isn't installed
    """
    descriptor, fortran, shape, offset = _header(data)
    try:
        numpy: Any = import_module("numpy")
    except ImportError:
        raise DecodingError(
            "the value is a NumPy array, and numpy isn't installed; add it to "
            "the manifest's dependencies"
        ) from None
    try:
        dtype = numpy.lib.format.descr_to_dtype(descriptor)
    except (TypeError, ValueError, KeyError, IndexError, SyntaxError):
        raise DecodingError(
            f"an array can't have the type {descriptor!r:.80}"
        ) from None
    if dtype.hasobject:
        raise DecodingError("an array of Python objects is refused")
    count = math.prod(shape)
    if count * dtype.itemsize != len(data) - offset:
        raise DecodingError(
            f"the array should have {count} elements of {dtype.itemsize} "
            f"bytes, but {len(data) - offset} bytes follow its header"
        )
    order = "F" if fortran else "C"
    try:
        if count == 0 or dtype.itemsize == 0:
            array = numpy.empty(shape, dtype, order)
        else:
            array = numpy.frombuffer(data, dtype, count, offset)
            array = array.reshape(shape, order=order)
    except (ValueError, OverflowError, MemoryError) as error:
        raise DecodingError(f"the array can't be made: {error}") from None
    array.flags.writeable = False
    return array


def _header(data: Buffer) -> Tuple[Any, bool, Tuple[int, ...], int]:
    """The type, order and shape that a header names, and where it ends."""
    start = bytes(data[:12])
    if start[:6] != _MAGIC or len(start) < 10:
        raise DecodingError("the array doesn't begin like a .npy file")
    major = start[6]
    if major not in (1, 2, 3):
        raise DecodingError(f"version {major} of .npy is unknown")
    begin = 10 if major == 1 else 12
    length = int.from_bytes(start[8:begin], "little")
    offset = begin + length
    if length > _HEADER_LIMIT or offset > len(data):
        raise DecodingError("the header of the array is cut or too long")
    import ast

    try:
        text = bytes(data[begin:offset]).decode(
            "utf-8" if major == 3 else "latin-1"
        )
        header = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise DecodingError("the header of the array can't be read") from None
    if not isinstance(header, dict) or set(header) != {
        "descr",
        "fortran_order",
        "shape",
    }:
        raise DecodingError("the header of the array has other keys")
    shape, fortran = header["shape"], header["fortran_order"]
    if not isinstance(fortran, bool) or not _is_shape(shape):
        raise DecodingError("the header of the array has no valid shape")
    return header["descr"], fortran, shape, offset


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) <= 32
        and all(type(length) is int and length >= 0 for length in shape)
    )
