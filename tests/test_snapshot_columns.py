"""Columns in one file: what is written is read, and what is not whole is refused."""

from __future__ import annotations

import numpy as np
import pytest

from wwt_framework.snapshot_columns import map_columns, write_columns

COLUMNS = {"task": np.array([3, 1, 2], np.int32), "none": np.zeros(0, np.int64), "state": np.array([7], np.uint8)}


@pytest.fixture
def file(tmp_path):
    write_columns(tmp_path / "columns.bin", COLUMNS)
    return tmp_path / "columns.bin"


def test_columns_are_read_back_with_their_types(file):
    found = {name: (column.tolist(), column.dtype) for name, column in map_columns(file).items()}

    assert found == {"task": ([3, 1, 2], np.int32), "none": ([], np.int64), "state": ([7], np.uint8)}


def test_mapped_columns_can_not_be_written(file):
    with pytest.raises(ValueError, match="read-only"):
        map_columns(file)["task"][0] = 0


@pytest.mark.parametrize("size", [0, 10, 30, 150])
def test_a_file_that_was_cut_off_is_refused(file, size):
    file.write_bytes(file.read_bytes()[:size])

    with pytest.raises(ValueError, match=r"cut off|empty|columns of this program|end of data|EOF"):
        map_columns(file)


def test_a_file_of_another_program_is_refused(file):
    file.write_bytes(b"\x93NUMPY" + bytes(100))

    with pytest.raises(ValueError, match="does not hold columns of this program"):
        map_columns(file)
