// The space of the 3-D view in upright cubes, each with the voxel of the maps that it is in. No DOM.
import { invert, toVoxel } from "./grid.js";

const COARSE = 2; // mm; half the edge takes eight times the memory
const FINE = 1; // where voxels of the maps are smaller than the coarse cubes
const SURFACE = 64; // of 255: darker cubes of the brain are not its surface
const STRONG = 255;
const FAINT_CUBE = 160; // of clusters without a discovery
const MASK = 160; // where there is no brain, the mask has one shade

/** Divide a box (mm) into cubes; x changes first. `places` holds -1 outside of the mask. */
export function makeCubes({ grid, placeAt, brain }, { low, high }) {
  const step = Math.min(...grid.edges) < 0.99 * COARSE ? FINE : COARSE; // affines are rounded
  const shape = low.map((x, i) => Math.ceil((high[i] - x) / step));
  const origin = low.map((x) => x + step / 2);
  const [nx, ny, nz] = grid.shape;
  const cubes = { step, shape, origin, length: shape[0] * shape[1] * shape[2] };
  const places = new Int32Array(cubes.length);
  const [right, front, up] = [0, 1, 2].map((axis) => grid.inverse.map((row) => row[axis] * step));
  const start = toVoxel(grid, origin);
  for (let z = 0, at = 0; z < shape[2]; z++) {
    for (let y = 0; y < shape[1]; y++) {
      const row = start.map((x, i) => x + front[i] * y + up[i] * z);
      for (let x = 0; x < shape[0]; x++, at++) {
        const i = Math.round(row[0] + right[0] * x);
        const j = Math.round(row[1] + right[1] * x);
        const k = Math.round(row[2] + right[2] * x);
        const inside = i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
        places[at] = inside ? placeAt[(i * ny + j) * nz + k] : -1;
      }
    }
  }
  return { ...cubes, places, shades: brain ? shadesOfBrain(brain, cubes) : places.map((p) => (p < 0 ? 0 : MASK)) };
}

/** The mean of the voxels of the brain, whose edges are 1 mm, in each cube; they fit. */
function shadesOfBrain({ shape, origin, values }, cubes) {
  const { step, length } = cubes;
  const sums = new Float32Array(length);
  const first = origin.map((x, i) => Math.round(x - cubes.origin[i] + (step - 1) / 2));
  let from = 0;
  for (let z = 0; z < shape[2]; z++) {
    for (let y = 0; y < shape[1]; y++) {
      const row = (Math.floor((z + first[2]) / step) * cubes.shape[1] + Math.floor((y + first[1]) / step)) * cubes.shape[0];
      for (let x = 0; x < shape[0]; x++) sums[row + Math.floor((x + first[0]) / step)] += values[from++];
    }
  }
  return sums.map((sum) => sum / step ** 3);
}

/** A colour for each cube, as one number of four bytes; 0 where there is no cluster. */
export function colorsOfCubes({ forest, labelAt, state, pixelsOfZ }, { places }, { fill, selected }) {
  const { positive, negative } = pixelsOfZ;
  const shown = state.shown();
  const strength = [0, ...shown.map((k) => (forest.found[k] ? STRONG : FAINT_CUBE))];
  if (selected) strength[selected] = STRONG;
  const colors = new Uint32Array(places.length);
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const label = place < 0 ? 0 : labelAt[place];
    if (!label) continue;
    const color = state.colour === "z"
      ? (forest.positive[place] ? positive : negative)[forest.height[place]]
      : fill[label];
    const alpha = strength[label];
    colors[i] = ((color & 0xffffff) | (alpha << 24)) >>> 0;
  }
  return colors;
}

/** The first cube with a colour on the way between two points (mm), else the surface; null if none. */
export function firstOnRay({ step, shape, origin, shades }, colors, from, to) {
  const way = to.map((x, i) => x - from[i]);
  const n = Math.ceil((2 * Math.hypot(...way)) / step);
  let surface = null;
  for (let k = 0; k <= n; k++) {
    const mm = from.map((x, i) => x + (way[i] * k) / n);
    const [x, y, z] = mm.map((one, i) => Math.round((one - origin[i]) / step));
    if ([x, y, z].some((one, i) => one < 0 || one >= shape[i])) continue;
    const i = (z * shape[1] + y) * shape[0] + x;
    if (colors[i]) return mm;
    if (shades[i] > SURFACE) surface ??= mm;
  }
  return surface;
}

/**
 * The ends of the line of sight at a point of the picture: from the matrix (by columns) that takes mm
 * to clip space, where the picture reaches from -1 to 1 and so does what can be seen in depth.
 */
export function lineOfSight(matrix, [across, up]) {
  const rows = [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => matrix[4 * column + row]));
  const { matrix: inverse } = invert(rows);
  return [-1, 1].map((depth) => {
    const moved = [across, up, depth].map((x, i) => x - rows[i][3]);
    return inverse.map((row) => row[0] * moved[0] + row[1] * moved[1] + row[2] * moved[2]);
  });
}
