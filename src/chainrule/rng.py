"""All randomness, always passed in: the same seed gives the same numbers on any machine and in any order of asking.

Two kinds. `generator` draws data (weights, row orders, splits) in Python, handed over to the engines as arrays.
`uniform_bits` is counter-based: a number depends on its *address* (step, row, unit) and on nothing else, so that a
dropout mask does not change with the batch it stands in, the number of threads or the engine. The compiled engine
computes the same bits.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

# Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), table 2.
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def generator(seed: int, stream: str, index: int = 0) -> np.random.Generator:
    """NumPy's Philox generator for one purpose (`stream`) and one occasion (`index`, such as an epoch).

    >>> bool(generator(0, "weights").integers(10) == generator(0, "weights").integers(10))
    True
    """
    return np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(stream.encode())], counter=[0, 0, 0, index]))


def layer_key(seed: int, layer: int) -> tuple[int, int]:
    """The two key words of a layer's draws: splitmix64 of the seed and the layer (Steele, Lea, Flood 2014)."""
    mask = (1 << 64) - 1
    z = (seed + (layer + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    z ^= z >> 31
    return z & 0xFFFFFFFF, z >> 32


def uniform_bits(key: tuple[int, int], step: int, rows: NDArray[np.int64], units: int) -> NDArray[np.uint32]:
    """32 random bits for every (row, unit) of a layer at a step.

    `rows` are the row numbers in the data set, shape (n,); returns shape (n, units).
    The counter is (step, row, unit // 4, 0) and gives the bits of four neighbouring units.
    """
    blocks = -(-units // 4)
    shape = (len(rows), blocks)
    words = [
        np.full(shape, step & 0xFFFFFFFF, np.uint64),
        np.broadcast_to((rows.astype(np.uint64) & _LOW)[:, None], shape),
        np.broadcast_to(np.arange(blocks, dtype=np.uint64), shape),
        np.zeros(shape, np.uint64),
    ]
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = words[0] * _MULTIPLIERS[0], words[2] * _MULTIPLIERS[1]
        words = [
            (p1 >> _SHIFT) ^ words[1] ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _SHIFT) ^ words[3] ^ np.uint64(k1),
            p0 & _LOW,
        ]
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack(words, axis=-1).reshape(len(rows), 4 * blocks)[:, :units].astype(np.uint32)


def uniform(key: tuple[int, int], step: int, rows: NDArray[np.int64], units: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) with 24 random bits, exact in float32 as in float64; shape (n, units)."""
    return (uniform_bits(key, step, rows, units) >> np.uint32(8)) * np.float64(2.0**-24)
