# SPDX-License-Identifier: MIT
"""Batches to pyarrow and back by the Arrow C Data Interface: arrow_pyarrow.py HELPER.so"""

import ctypes
import gc
import sys

try:
    import pyarrow as pa
except ImportError:
    print("SKIPPED: pyarrow is not installed; the Arrow interface was NOT checked against it")
    sys.exit(77)

helper = ctypes.CDLL(sys.argv[1])
helper.helper_data.restype = ctypes.c_void_p


class Structs:
    """Room for an ArrowSchema (72 bytes) and an ArrowArray (80 bytes)."""

    def __init__(self):
        self.schema = (ctypes.c_uint64 * 9)()
        self.array = (ctypes.c_uint64 * 10)()

    def addresses(self):
        return ctypes.addressof(self.array), ctypes.addressof(self.schema)


def exported(rows):
    structs = Structs()
    rc = helper.helper_export(rows, structs.schema, structs.array)
    assert rc == 0, rc
    return pa.RecordBatch._import_from_c(*structs.addresses())


def imported(batch):
    structs = Structs()
    text = ctypes.create_string_buffer(1 << 20)
    batch._export_to_c(*structs.addresses())
    rc = helper.helper_import(structs.schema, structs.array, text, ctypes.c_size_t(len(text)))
    # What was not taken is still ours to release.
    if structs.array[8]:
        pa.RecordBatch._import_from_c(*structs.addresses())
    else:
        pa.Schema._import_from_c(ctypes.addressof(structs.schema))
    return rc, text.value.decode()


def row(number):
    return {
        "id": (1 << 40) + number,
        "kind": -number,
        "at": 1700000000000 + number,
        "price": 908 * number,
        "text": "abcdefghij"[: number % 10],
        "city": ("Bonn", "Boston")[number % 2],
    }


def line(number):
    return ",".join(str(value) for value in row(number).values()) + "\n"


def check_export():
    batch = exported(1000)
    batch.validate(full=True)
    types = [str(field.type) for field in batch.schema]
    assert types == [
        "int64",
        "int32",
        "timestamp[ms, tz=UTC]",
        "int64",
        "string",
        "dictionary<values=string, indices=int32, ordered=0>",
    ], types
    assert not any(field.nullable for field in batch.schema)
    assert batch.schema.field("price").metadata == {b"scale": b"3"}
    times = batch.set_column(2, "at", batch.column(2).cast(pa.int64()))
    assert times.to_pylist() == [row(number) for number in range(1000)]
    for i in range(6):
        buffer = batch.column(i).buffers()[2 if i == 4 else 1]
        assert buffer.address == helper.helper_data(i), "column %d was copied" % i


def check_release():
    gc.collect()
    before = helper.helper_released()
    batch = exported(10)
    column = batch.column(4)
    del batch
    gc.collect()
    assert column.to_pylist()[9] == "abcdefghi"
    assert helper.helper_released() == before
    del column
    gc.collect()
    assert helper.helper_released() == before + 1


def check_import():
    batch = exported(1000)
    assert imported(batch) == (1000, "".join(line(number) for number in range(1000)))
    # Slices have offsets.
    for start, count in ((1, 999), (7, 13), (999, 1), (500, 0)):
        wanted = "".join(line(number) for number in range(start, start + count))
        assert imported(batch.slice(start, count)) == (count, wanted), (start, count)
    # Made by pyarrow itself, in another order and with a column more.
    made = pa.table({
        "more": pa.array([None, 1.5]),
        "city": pa.array(["Rome", "Oslo"]).dictionary_encode(),
        "text": pa.array(["", "x"]),
        "price": pa.array([1, 2], pa.int64()),
        "at": pa.array([3, 4], pa.timestamp("ms", "UTC")),
        "kind": pa.array([5, 6], pa.int32()),
        "id": pa.array([7, 8], pa.int64()),
    }).to_batches()[0]
    assert imported(made) == (2, "7,5,3,1,,Rome\n8,6,4,2,x,Oslo\n"), imported(made)
    assert imported(exported(0)) == (0, "")


def check_refused():
    good = exported(3)
    for index, column, text in (
        (0, pa.array([1, None, 3], pa.int64()), "id: it has nulls"),
        (1, pa.array([1, 2, 3], pa.int64()), "kind: its format is"),
        (2, pa.array([1, 2, 3], pa.timestamp("us")), "at: its format is"),
        (4, pa.array(["a", "b", "c"], pa.large_string()), "text: its format is"),
    ):
        bad = good.set_column(index, good.schema.field(index).name, column)
        rc, got = imported(bad)
        assert rc < 0 and text in got, (rc, got)
    rc, got = imported(good.select(["id", "kind"]))
    assert rc < 0 and "at: not in the record batch" in got, (rc, got)


check_export()
check_release()
check_import()
check_refused()
gc.collect()
print("pyarrow %s: export, release, import and refusal agree" % pa.__version__)
