"""The container of model files: a header of plain data and named arrays in one safetensors file.

What a model is, this package does not know; `docs/model-file.md` specifies the bytes.

>>> import numpy, tempfile
>>> path = tempfile.mkdtemp() + "/small.model"
>>> write(path, {"task": "regression"}, {"W1": numpy.ones((2, 3), "float32"), "names": pack_strings(["age", "fare"])})
>>> header, tensors = read(path)
>>> header, tensors["W1"].shape, unpack_strings(tensors["names"])
({'task': 'regression'}, (2, 3), ['age', 'fare'])
"""

from chainrule.archive.reading import read
from chainrule.archive.replacing import check_writable, make_folder, replace_file
from chainrule.archive.text import pack_strings, unpack_strings
from chainrule.archive.writing import write

__all__ = ["check_writable", "make_folder", "pack_strings", "read", "replace_file", "unpack_strings", "write"]
