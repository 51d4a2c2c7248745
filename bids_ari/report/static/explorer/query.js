// Questions to the forest of clusters. No DOM, no rounding: all answers are those of Python.
//
// A node is a number k. It stands right after everything it holds, its largest child first, so that
// the voxels of a cluster are the places start[k] ... k, and sizes alone give the tree back.
// Heights are whole thousandths: a voxel with height q is beyond every threshold up to q / 1000.
import { unpackBits } from "./unpack.js";

/**
 * Build the forest from the arrays of the page.
 *
 * Returns, besides those: `feature` (voxel of the mask at each place; places beyond the nodes hold
 * voxels that are in no cluster), `placeOf` (the inverse), and for each node `start`, `parent`,
 * `above` (the next larger cluster), `bestAbove` (the largest TDP of all larger ones), `branches`
 * (how many of the next smaller clusters have a discovery) and `peak` (place of its highest voxel).
 */
export function plant(arrays) {
  const { voxel, size, found, height, category } = arrays;
  const n = voxel.length;
  const feature = addRest(voxel, height.length);
  const placeOf = new Int32Array(feature.length);
  for (let place = 0; place < feature.length; place++) placeOf[feature[place]] = place;
  const forest = {
    n, size, found, height, category, feature, placeOf,
    tied: unpackBits(arrays.tied, n),
    positive: unpackBits(arrays.positive, height.length),
    fine: new Uint16Array(n),
    start: new Int32Array(n),
    parent: new Int32Array(n).fill(-1),
    above: new Int32Array(n).fill(-1),
    bestAbove: new Float64Array(n).fill(-1),
    branches: new Int32Array(n),
    peak: new Int32Array(n),
    lastCategory: 0,
    highest: 0,
  };
  for (let i = 0, leaf = 0; i < n; i++) if (size[i] === 1) forest.fine[i] = arrays.fine[leaf++];
  for (const one of category) if (one > forest.lastCategory) forest.lastCategory = one;
  for (let i = 0; i < n; i++) if (height[i] > forest.highest) forest.highest = height[i];
  climb(forest);
  descend(forest);
  return forest;
}

/** Voxels that are in no node follow those that are, the lowest number first. */
function addRest(voxel, total) {
  const feature = new Int32Array(total);
  feature.set(voxel);
  const inNode = new Uint8Array(total);
  for (const one of voxel) inNode[one] = 1;
  for (let one = 0, place = voxel.length; one < total; one++) if (!inNode[one]) feature[place++] = one;
  return feature;
}

/** From the leaves to the roots: parents and peaks. */
function climb(forest) {
  const { n, size, start, parent, peak } = forest;
  const open = new Int32Array(n);
  let top = 0;
  for (let k = 0; k < n; k++) {
    start[k] = k - size[k] + 1;
    peak[k] = k;
    while (top > 0 && open[top - 1] >= start[k]) {
      const child = open[--top];
      parent[child] = k;
      if (peak[k] === k || compareHeight(forest, peak[child], peak[k]) > 0) peak[k] = peak[child];
    }
    open[top++] = k;
  }
}

/** From the roots to the leaves: what stands above each node. */
function descend(forest) {
  const { n, parent, above, bestAbove, branches, found, tied } = forest;
  for (let k = n - 1; k >= 0; k--) {
    const p = parent[k];
    if (p >= 0) {
      above[k] = tied[p] ? above[p] : p;
      bestAbove[k] = tied[p] ? bestAbove[p] : Math.max(bestAbove[p], tdpOf(forest, p));
    }
    if (!tied[k] && found[k] > 0 && above[k] >= 0) branches[above[k]]++;
  }
}

/** Above 0 if the voxel at the first place (a leaf) is higher, or as high and of a lower number. */
function compareHeight(forest, a, b) {
  const { height, fine, feature } = forest;
  return height[a] - height[b] || fine[b] - fine[a] || feature[b] - feature[a];
}

function tdpOf(forest, k) {
  return forest.found[k] / forest.size[k];
}

/** Largest TDP of any cluster that holds the voxel at a place; 0 for one that is in none. */
export function gradientAt(forest, place) {
  if (place >= forest.n) return 0;
  const own = forest.tied[place] ? 0 : tdpOf(forest, place);
  return Math.max(own, forest.bestAbove[place], 0);
}

/** All clusters beyond a threshold, in thousandths; the largest first. */
export function clustersAbove(forest, threshold) {
  const { n, height, parent } = forest;
  const nodes = [];
  for (let k = 0; k < n; k++) {
    if (height[k] >= threshold && (parent[k] < 0 || height[parent[k]] < threshold)) nodes.push(k);
  }
  return largestFirst(forest, nodes);
}

/** The largest clusters with a TDP of at least so much; the largest first. */
export function clustersReaching(forest, goal) {
  const { n, tied, found, size, bestAbove } = forest;
  const nodes = [];
  for (let k = 0; k < n; k++) {
    // in double precision, divided as Python does: 7 of 10 reach 0.7
    if (!tied[k] && found[k] / size[k] >= goal && bestAbove[k] < goal) nodes.push(k);
  }
  return largestFirst(forest, nodes);
}

/** Order disjoint clusters by size, then by the height of the peak, then by their first voxel. */
export function largestFirst(forest, nodes) {
  const { size, height, fine, peak } = forest;
  return nodes.sort((a, b) => {
    const p = peak[a];
    const q = peak[b];
    return size[b] - size[a] || height[q] - height[p] || fine[p] - fine[q]
      || firstFeature(forest, a) - firstFeature(forest, b);
  });
}

function firstFeature({ start, feature }, k) {
  let first = feature[k];
  for (let place = start[k]; place < k; place++) if (feature[place] < first) first = feature[place];
  return first;
}

/** The next smaller clusters of a cluster. */
function partsOf(forest, k) {
  const { start, tied } = forest;
  const parts = [];
  const open = [k];
  while (open.length) {
    const holder = open.pop();
    for (let child = holder - 1; child >= start[holder]; child = start[child] - 1) {
      if (tied[child]) open.push(child);
      else parts.push(child);
    }
  }
  return parts;
}

/** Raise the threshold until a cluster falls apart in several with discoveries; else nothing. */
export function split(forest, k) {
  const { branches, found } = forest;
  let fork = k;
  while (branches[fork] === 1) fork = partsOf(forest, fork).find((part) => found[part] > 0);
  if (branches[fork] === 0) return [];
  return largestFirst(forest, partsOf(forest, fork).filter((part) => found[part] > 0));
}

/** Lower the threshold until a cluster meets another one with discoveries; -1 if it meets none. */
export function merge(forest, k) {
  const { above, branches, found } = forest;
  for (let part = k, whole = above[k]; whole >= 0; part = whole, whole = above[whole]) {
    if (branches[whole] > (found[part] > 0 ? 1 : 0)) return whole;
  }
  return -1;
}

/** All clusters that hold the voxel at a place, the smallest first. */
export function pathOf(forest, place) {
  const { n, tied, above } = forest;
  if (place >= n) return [];
  const path = tied[place] ? [] : [place];
  for (let k = above[place]; k >= 0; k = above[k]) path.push(k);
  return path;
}

/** Tell whether one node is the other or a part of it. */
export function holds(forest, whole, part) {
  return part <= whole && part >= forest.start[whole];
}

/**
 * Lower bound on the number of active voxels among those at some places, whichever they are.
 *
 * The u-th threshold proves as many as lie at or below it, less u - 1.
 */
export function boundOf({ category, lastCategory }, places) {
  const last = Math.min(lastCategory, places.length);
  const count = new Int32Array(last + 1);
  for (let i = 0; i < places.length; i++) {
    const one = category[places[i]];
    if (one > 0 && one <= last) count[one]++;
  }
  let below = 0;
  let proved = 0;
  for (let u = 1; u <= last; u++) {
    below += count[u];
    if (below - u + 1 > proved) proved = below - u + 1;
  }
  return proved;
}

/** The places of a cluster, as a list. */
export function placesOf({ start }, k) {
  const places = new Int32Array(k - start[k] + 1);
  for (let i = 0; i < places.length; i++) places[i] = start[k] + i;
  return places;
}
