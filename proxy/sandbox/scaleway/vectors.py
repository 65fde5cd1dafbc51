"""The stand-in's embeddings: a bag of words, hashed and normalised. Nothing about them is learned.

Texts that share words are near each other, and the same text always has the same vector. As with
Scaleway's embedding models, the score of a document for a query is the dot product of both.
"""

import base64
import math
import struct
import zlib
from collections import Counter

from proxy.sandbox.documents.words import words

Vector = list[float]


def vector_of(text: str, dimensions: int) -> Vector:
    """The vector of a text, of length 1. Text without words is like no other."""
    vector = [0.0] * dimensions
    for word, count in Counter(words(text)).items():
        hashed = zlib.crc32(word.encode())
        vector[hashed % dimensions] += count if hashed & (1 << 31) else -count
    length = math.sqrt(sum(each * each for each in vector))
    return _as_float32([each / length for each in vector] if length else vector)


def likeness(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def in_base64(vector: Vector) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _as_float32(vector: Vector) -> Vector:
    """The numbers as they are once they have been sent, in either form."""
    form = f"<{len(vector)}f"
    return list(struct.unpack(form, struct.pack(form, *vector)))
