"""A sphere of evenly spread points, and which of them are neighbours."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class SphereMesh:
    """Triangle mesh of the unit sphere.

    Parameters
    ----------
    points
        (n, 3) unit vectors.
    triangles
        (m, 3) point indices, counter-clockwise seen from outside.
    neighbours
        (n, 6) point indices; the twelve points with five neighbours repeat one.
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.intp]
    neighbours: NDArray[np.intp]


@cache
def icosphere(subdivisions: int) -> SphereMesh:
    """Divide an icosahedron's triangles in four, again and again.

    Parameters
    ----------
    subdivisions
        0 gives 12 points, 4 gives 2562.
    """
    points, triangles = _icosahedron()
    for _ in range(subdivisions):
        points, triangles = _subdivide(points, triangles)
    return SphereMesh(points, triangles, _neighbours(len(points), triangles))


def _icosahedron() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0.0, a, b * golden) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    points = np.array([np.roll(corner, turn) for turn in range(3) for corner in corners])
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    near = distance < 2.1
    triangles = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] and near[b, c] and near[a, c]
    ]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    oriented = [t if np.linalg.det(points[list(t)]) > 0 else (t[0], t[2], t[1]) for t in triangles]
    return points, np.array(oriented, dtype=np.intp)


def _subdivide(
    points: NDArray[np.float64], triangles: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    a, b, c = triangles.T
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    )
    unique, where = np.unique(edges, axis=0, return_inverse=True)
    middle = points[unique].mean(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    ab, bc, ca = (where.reshape(3, -1) + len(points)).astype(np.intp)
    divided = np.concatenate(
        [
            np.stack(corners, axis=1)
            for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
        ]
    )
    return np.concatenate([points, middle]), divided


def _neighbours(count: int, triangles: NDArray[np.intp]) -> NDArray[np.intp]:
    around: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in triangles.tolist():
        around[a] |= {b, c}
        around[b] |= {a, c}
        around[c] |= {a, b}
    rows = [sorted(near) for near in around]
    return np.array([row if len(row) == 6 else [*row, row[0]] for row in rows], dtype=np.intp)
