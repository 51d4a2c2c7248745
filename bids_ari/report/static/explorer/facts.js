// What there is to say of a cluster, of a voxel, of a sphere. No DOM.
import { boundOf, gradientAt } from "./query.js";
import { indexOf, placesInSphere, toMm, voxelAt } from "./grid.js";
import { zOf } from "./words.js";

/** Name of the region at a place, in the atlas that is chosen; empty if there is none. */
function regionAt({ parcellations, state }, place) {
  const atlas = parcellations[state.atlas];
  const label = atlas ? atlas.labels[place] : 0;
  return label ? atlas.regions[label - 1] ?? String(label) : "";
}

/** Centre of the voxel at a place of the forest, in voxels. */
export function voxelOfPlace({ grid, forest }, place) {
  return voxelAt(grid, grid.features[forest.feature[place]]);
}

/** A cluster as it is listed; its number is its place among those shown. */
export function describe(view, node, number = 0) {
  const { facts, forest, grid } = view;
  const peak = forest.peak[node];
  const positive = forest.positive[peak] === 1;
  const voxels = forest.size[node];
  return {
    node,
    number,
    sign: facts.signed ? (positive ? "positive" : "negative") : "n/a",
    voxels,
    volume: voxels * grid.voxelVolume,
    found: forest.found[node],
    height: forest.height[node],
    z: zOf(forest.height[peak], positive),
    mm: toMm(grid, voxelOfPlace(view, peak)),
    region: regionAt(view, peak),
  };
}

/** Place of the voxel under the cross-hair, -1 outside of the mask. */
function placeUnderCross({ grid, placeAt, state }) {
  return placeAt[indexOf(grid, state.voxel)];
}

/** What is under the cross-hair; null outside of the mask. */
export function describeVoxel(view) {
  const place = placeUnderCross(view);
  if (place < 0) return null;
  const { forest } = view;
  return {
    z: zOf(forest.height[place], forest.positive[place] === 1),
    gradient: gradientAt(forest, place),
    region: regionAt(view, place),
    number: view.labelAt[place],
  };
}

/** Bound of the voxels of the mask around the cross-hair. */
export function describeSphere({ forest, grid, placeAt, state }) {
  const places = placesInSphere(grid, placeAt, state.voxel, state.radius);
  return { voxels: places.length, found: boundOf(forest, places) };
}

/** Bounds of what a cluster has in each region, the largest part first; no region comes last. */
export function describeParts({ forest, parcellations, state }, node) {
  const atlas = parcellations[state.atlas];
  if (!atlas) return [];
  const byLabel = new Map();
  for (let place = forest.start[node]; place <= node; place++) {
    const label = atlas.labels[place];
    if (!byLabel.has(label)) byLabel.set(label, []);
    byLabel.get(label).push(place);
  }
  return [...byLabel]
    .map(([label, places]) => ({
      name: label ? atlas.regions[label - 1] ?? String(label) : "in no region",
      voxels: places.length,
      found: boundOf(forest, places),
      label,
    }))
    .sort((a, b) => (a.label === 0) - (b.label === 0) || b.voxels - a.voxels || a.label - b.label);
}
