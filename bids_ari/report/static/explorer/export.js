// Clusters as files: a table and a label map. No DOM.
import { voxelAt } from "./grid.js";

const HEADER_LENGTH = 352; // with the four bytes that say that nothing is added
const INT32 = 8;
const LABEL = 1002;
const MM_AND_SECONDS = 2 + 8;

/** A table with commas; every name is quoted, whatever it holds. */
export function toCsv(clusters) {
  const quote = (text) => `"${text.replaceAll('"', '""')}"`;
  const columns = ["cluster", "sign", "voxels", "volume_mm3", "discoveries", "tdp", "threshold",
    "peak_z", "x", "y", "z", "region"];
  const rows = clusters.map((one) => [
    one.number, one.sign, one.voxels, one.volume, one.found, one.found / one.voxels,
    one.height / 1000, one.z, ...one.mm.map((x) => Number(x.toFixed(4))), quote(one.region),
  ]);
  return [columns, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/**
 * A NIfTI-1 file of labels, not compressed, on the grid of the maps.
 *
 * `labelOf` gives the label of each voxel of the volume (in C order).
 */
export function toNifti({ shape, affine, edges, length }, xform, labelOf) {
  const [nx, ny, nz] = shape;
  const file = new ArrayBuffer(HEADER_LENGTH + 4 * length);
  const view = new DataView(file);
  const int16 = (offset, ...values) => values.forEach((x, i) => view.setInt16(offset + 2 * i, x, true));
  const float32 = (offset, ...values) => values.forEach((x, i) => view.setFloat32(offset + 4 * i, x, true));
  view.setInt32(0, 348, true);
  int16(40, 3, nx, ny, nz, 1, 1, 1, 1);
  int16(68, LABEL, INT32, 32);
  float32(76, 1, ...edges);
  float32(108, HEADER_LENGTH, 1, 0); // where the data begin; slope; intercept
  view.setUint8(123, MM_AND_SECONDS);
  int16(252, 0, xform); // no quaternion, which could not say that axes are sheared
  affine.forEach((row, i) => float32(280 + 16 * i, ...row));
  [..."n+1"].forEach((letter, i) => view.setUint8(344 + i, letter.charCodeAt(0)));
  for (let index = 0; index < length; index++) {
    const label = labelOf(index);
    if (!label) continue;
    const [x, y, z] = voxelAt({ shape }, index);
    view.setInt32(HEADER_LENGTH + 4 * ((z * ny + y) * nx + x), label, true);
  }
  return file;
}

