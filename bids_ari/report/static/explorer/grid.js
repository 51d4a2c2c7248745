// Where voxels are. No DOM. Volumes are in C order: the last axis changes first.
import { unpackBits } from "./unpack.js";

/**
 * The grid of the maps: affine and its inverse, `features` (index in the volume of each voxel of the
 * mask), and for each axis of the world the axis of the grid that follows it best, and its direction.
 */
export function makeGrid({ shape, affine }, maskBytes) {
  const [nx, ny, nz] = shape;
  const length = nx * ny * nz;
  const inside = unpackBits(maskBytes, length);
  const features = [];
  for (let i = 0; i < length; i++) if (inside[i]) features.push(i);
  const rows = affine.slice(0, 3);
  const edges = [0, 1, 2].map((j) => Math.hypot(...rows.map((row) => row[j])));
  const { matrix, determinant } = invert(rows);
  return {
    shape, affine: rows, inverse: matrix, length,
    features: Int32Array.from(features),
    edges,
    voxelVolume: Math.abs(determinant),
    axes: followWorld(rows, edges),
  };
}

export function invert(rows) {
  const minor = (i, j) => {
    const [a, b] = [0, 1, 2].filter((row) => row !== i);
    const [c, d] = [0, 1, 2].filter((column) => column !== j);
    return rows[a][c] * rows[b][d] - rows[a][d] * rows[b][c];
  };
  const cofactor = (i, j) => ((i + j) % 2 ? -1 : 1) * minor(i, j);
  const determinant = [0, 1, 2].reduce((sum, j) => sum + rows[0][j] * cofactor(0, j), 0);
  const matrix = [0, 1, 2].map((i) => [0, 1, 2].map((j) => cofactor(j, i) / determinant));
  return { matrix, determinant };
}

/** Give each axis of the world an axis of the grid of its own, the best matches first. */
function followWorld(rows, edges) {
  const pairs = [0, 1, 2].flatMap((world) => [0, 1, 2].map((axis) => ({
    world, axis, cosine: rows[world][axis] / edges[axis],
  })));
  pairs.sort((a, b) => Math.abs(b.cosine) - Math.abs(a.cosine));
  const axes = [];
  const taken = new Set();
  for (const { world, axis, cosine } of pairs) {
    if (axes[world] || taken.has(axis)) continue;
    taken.add(axis);
    axes[world] = { axis, direction: cosine < 0 ? -1 : 1 };
  }
  return axes;
}

export function toMm({ affine }, voxel) {
  return affine.map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);
}

/** Where a point is in the volume, in voxels, not rounded. */
export function toVoxel({ affine, inverse }, mm) {
  const moved = mm.map((x, i) => x - affine[i][3]);
  return inverse.map((row) => row[0] * moved[0] + row[1] * moved[1] + row[2] * moved[2]);
}

/** The voxel that a point is in, or the nearest one at the rim of the volume. */
export function nearestVoxel(grid, mm) {
  return toVoxel(grid, mm).map((x, i) => Math.min(Math.max(Math.round(x), 0), grid.shape[i] - 1));
}

export function indexOf({ shape }, [i, j, k]) {
  return (i * shape[1] + j) * shape[2] + k;
}

export function voxelAt({ shape }, index) {
  const [, ny, nz] = shape;
  return [Math.floor(index / (ny * nz)), Math.floor(index / nz) % ny, index % nz];
}

/** For each voxel of the volume its place in the forest, -1 outside of the mask. */
export function placesInVolume(grid, placeOf) {
  const placeAt = new Int32Array(grid.length).fill(-1);
  grid.features.forEach((index, feature) => { placeAt[index] = placeOf[feature]; });
  return placeAt;
}

/** Places of the voxels of the mask whose centres are within a radius (mm) of that of a voxel. */
export function placesInSphere(grid, placeAt, centre, radius) {
  const { shape, affine, inverse } = grid;
  const reach = inverse.map((row) => Math.ceil(radius * Math.hypot(...row)));
  const from = centre.map((x, i) => Math.max(0, x - reach[i]));
  const to = centre.map((x, i) => Math.min(shape[i] - 1, x + reach[i]));
  const most = (radius + 1e-6) ** 2; // a centre just on the sphere is inside
  const places = [];
  for (let i = from[0]; i <= to[0]; i++) {
    for (let j = from[1]; j <= to[1]; j++) {
      for (let k = from[2]; k <= to[2]; k++) {
        const place = placeAt[indexOf(grid, [i, j, k])];
        if (place < 0) continue;
        const step = [i - centre[0], j - centre[1], k - centre[2]];
        const squared = affine.reduce(
          (sum, row) => sum + (row[0] * step[0] + row[1] * step[1] + row[2] * step[2]) ** 2, 0);
        if (squared <= most) places.push(place);
      }
    }
  }
  return places;
}

/** Corners of the voxels of the mask in mm, half a voxel beyond their centres. */
export function boxOf(grid) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const { shape: [, ny, nz], affine, features } = grid;
  for (const index of features) {
    const i = Math.floor(index / (ny * nz));
    const j = Math.floor(index / nz) % ny;
    const k = index % nz;
    for (let axis = 0; axis < 3; axis++) {
      const row = affine[axis];
      const mm = row[0] * i + row[1] * j + row[2] * k + row[3];
      if (mm < low[axis]) low[axis] = mm;
      if (mm > high[axis]) high[axis] = mm;
    }
  }
  const half = affine.map((row) => (Math.abs(row[0]) + Math.abs(row[1]) + Math.abs(row[2])) / 2);
  return { low: low.map((x, i) => x - half[i]), high: high.map((x, i) => x + half[i]) };
}
