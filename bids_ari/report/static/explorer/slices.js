// Three slices through the cross-hair, with the clusters on them.
import { boxOf, nearestVoxel, toMm, toVoxel } from "./grid.js";
import { drawBrain } from "./brain.js";
import { colorOfNumber, colorOfTdp, pixel, toPixel } from "./colors.js";
import { signed } from "./words.js";

const NAMES = ["Sagittal", "Coronal", "Axial"];
const SIZE = 440; // pixels along the longest edge of the field of view
const MARGIN = 3; // mm around the mask where there is no brain
const SILHOUETTE = pixel(128, 128, 128, 90);
const DARK = pixel(20, 20, 20);
const WHITE = pixel(255, 255, 255);
const FAST = 5; // voxels at a time, with the shift key
const LEAST_FOR_NUMBER = 60; // pixels of a cluster that has its number written on it

export function createSlices(view, root) {
  const box = fieldOfView(view);
  const step = Math.max(...[0, 1, 2].map((i) => box.high[i] - box.low[i])) / SIZE;
  const planes = [0, 1, 2].map((fixed) => createPlane(view, root, box, step, fixed));
  return {
    draw() {
      const pixels = pixelsOfClusters(view);
      for (const plane of planes) drawPlane(view, plane, pixels);
    },
  };
}

/** The mask and the brain; moved by whole mm from the voxels of the brain, so that these fit. */
export function fieldOfView({ grid, brain }) {
  const { low, high } = boxOf(grid);
  if (!brain) return { low: low.map((x) => x - MARGIN), high: high.map((x) => x + MARGIN) };
  const edge = brain.origin.map((x) => x - 0.5);
  return {
    low: edge.map((x, i) => x - Math.max(0, Math.ceil(x - low[i]))),
    high: edge.map((x, i) => {
      const end = x + brain.shape[i];
      return end + Math.max(0, Math.ceil(high[i] - end));
    }),
  };
}

function createPlane(view, root, { low, high }, step, fixed) {
  const [across, up] = [0, 1, 2].filter((axis) => axis !== fixed);
  const figure = root.querySelector(`[data-plane="${fixed}"]`);
  const [back, front] = figure.querySelectorAll("canvas");
  const width = Math.ceil((high[across] - low[across]) / step);
  const height = Math.ceil((high[up] - low[up]) / step);
  back.width = Math.round(high[across] - low[across]);
  back.height = Math.round(high[up] - low[up]);
  front.width = width;
  front.height = height;
  figure.style.setProperty("--w", String(width / height));
  front.parentElement.style.aspectRatio = `${width} / ${height}`;
  const context = front.getContext("2d");
  const image = context.createImageData(width, height);
  const plane = {
    fixed, across, up, low, high, step, width, height, back, front, context, image,
    pixels: new Uint32Array(image.data.buffer),
    places: new Int32Array(width * height),
    labels: new Int32Array(width * height),
    at: null,
    range: figure.querySelector("input"),
    caption: figure.querySelector("output"),
  };
  listen(view, plane);
  return plane;
}

function listen(view, plane) {
  const { front, range, fixed, across, up } = plane;
  const { axis, direction } = view.grid.axes[fixed];
  range.max = String(view.grid.shape[axis] - 1);
  range.addEventListener("input", () => {
    const voxel = [...view.state.voxel];
    voxel[axis] = direction > 0 ? Number(range.value) : Number(range.max) - Number(range.value);
    view.moveTo(voxel);
  });
  const point = (event) => {
    const frame = front.getBoundingClientRect();
    const mm = toMm(view.grid, view.state.voxel);
    mm[across] = plane.low[across] + ((event.clientX - frame.left) / frame.width) * plane.width * plane.step;
    mm[up] = plane.low[up] + (1 - (event.clientY - frame.top) / frame.height) * plane.height * plane.step;
    view.moveTo(nearestVoxel(view.grid, mm));
  };
  let dragged = false;
  front.addEventListener("pointerdown", (event) => {
    front.setPointerCapture(event.pointerId);
    dragged = true;
    point(event);
  });
  front.addEventListener("pointermove", (event) => { if (dragged) point(event); });
  for (const end of ["pointerup", "pointercancel"]) front.addEventListener(end, () => { dragged = false; });
  const keys = {
    ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowUp: [up, 1], ArrowDown: [up, -1],
    PageUp: [fixed, 1], PageDown: [fixed, -1],
  };
  front.addEventListener("keydown", (event) => {
    const key = keys[event.key];
    if (!key) return;
    event.preventDefault();
    const along = view.grid.axes[key[0]];
    const voxel = [...view.state.voxel];
    const moved = voxel[along.axis] + key[1] * along.direction * (event.shiftKey ? FAST : 1);
    voxel[along.axis] = Math.min(Math.max(moved, 0), view.grid.shape[along.axis] - 1);
    view.moveTo(voxel);
  });
}

/** The pixel of each cluster by its number; a stronger one for the cluster that is selected. */
export function pixelsOfClusters({ facts, forest, state }) {
  const shown = state.shown();
  const fill = new Uint32Array(shown.length + 1);
  shown.forEach((k, i) => {
    const found = forest.found[k];
    const color = state.colour === "tdp"
      ? colorOfTdp(facts.colours, found, forest.size[k])
      : colorOfNumber(i + 1);
    const alpha = k === state.selected ? 250 : found > 0 ? 215 : 110;
    fill[i + 1] = toPixel(color, alpha);
  });
  return { fill, selected: shown.indexOf(state.selected) + 1 };
}

function drawPlane(view, plane, { fill, selected }) {
  const { fixed, across, up, low, high, step, width, height, context, labels, pixels } = plane;
  const { brain, forest, grid, state, labelAt } = view;
  const mm = toMm(grid, state.voxel);
  if (plane.at !== mm[fixed]) {
    plane.at = mm[fixed];
    if (brain) drawBrain(brain, plane.back.getContext("2d"), plane, mm[fixed]);
    findPlaces(view, plane, mm[fixed]);
    describePlane(view, plane, mm);
  }
  const { places } = plane;
  for (let i = 0; i < places.length; i++) labels[i] = places[i] < 0 ? 0 : labelAt[places[i]];
  const byHeight = state.colour === "z" ? view.pixelsOfZ : null;
  for (let i = 0; i < places.length; i++) {
    const label = labels[i];
    if (label === 0) {
      pixels[i] = !brain && places[i] >= 0 ? SILHOUETTE : 0;
    } else if (isRim(labels, i, width, label) || (label === selected && isRim(labels, i, 2 * width, label, 2))) {
      pixels[i] = label === selected ? WHITE : DARK;
    } else if (byHeight) {
      const { positive, negative } = byHeight;
      pixels[i] = (forest.positive[places[i]] ? positive : negative)[forest.height[places[i]]];
    } else {
      pixels[i] = fill[label];
    }
  }
  context.putImageData(plane.image, 0, 0);
  if (state.colour === "number") writeNumbers(view, plane);
  const x = (mm[across] - low[across]) / step;
  const y = height - (mm[up] - low[up]) / step;
  drawCross(context, x, y, width, height);
  if (state.sphere) drawCircle(context, x, y, state.radius / step);
}

/** Tell whether a neighbour of a pixel is of another cluster. */
function isRim(labels, i, rows, label, columns = 1) {
  return labels[i - columns] !== label || labels[i + columns] !== label
    || labels[i - rows] !== label || labels[i + rows] !== label;
}

/** Look up the voxel at each pixel: the nearest one, as bounds are never interpolated. */
function findPlaces({ grid, placeAt }, plane, at) {
  const { fixed, across, up, low, step, width, height, places } = plane;
  const [nx, ny, nz] = grid.shape;
  const corner = [0, 0, 0];
  corner[fixed] = at;
  corner[across] = low[across] + step / 2;
  corner[up] = low[up] + (height - 0.5) * step;
  const start = toVoxel(grid, corner);
  const right = grid.inverse.map((row) => row[across] * step);
  const down = grid.inverse.map((row) => -row[up] * step);
  for (let y = 0, at2 = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at2++) {
      const i = Math.round(start[0] + right[0] * x + down[0] * y);
      const j = Math.round(start[1] + right[1] * x + down[1] * y);
      const k = Math.round(start[2] + right[2] * x + down[2] * y);
      const inside = i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
      places[at2] = inside ? placeAt[(i * ny + j) * nz + k] : -1;
    }
  }
}

function describePlane({ grid, state }, plane, mm) {
  const { fixed, range, caption, front } = plane;
  const where = `${"xyz"[fixed]} = ${signed(mm[fixed], 1)} mm`;
  const { axis, direction } = grid.axes[fixed];
  const index = state.voxel[axis];
  range.value = String(direction > 0 ? index : grid.shape[axis] - 1 - index);
  range.setAttribute("aria-valuetext", where);
  caption.textContent = where;
  front.setAttribute("aria-label", `${NAMES[fixed]} slice at ${where}. Arrow keys move the cross-hair, `
    + "page up and page down go to the next slices, with shift five voxels at a time.");
}

function writeNumbers({ state }, { labels, width, height, context }) {
  const sums = new Map();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (!label) continue;
    const sum = sums.get(label) ?? [0, 0, 0];
    sum[0] += i % width;
    sum[1] += Math.floor(i / width);
    sum[2]++;
    sums.set(label, sum);
  }
  context.font = `600 ${Math.round(height / 24)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  for (const [label, [x, y, n]] of sums) {
    if (n < LEAST_FOR_NUMBER && state.shown()[label - 1] !== state.selected) continue;
    context.strokeStyle = "#ffffff";
    context.fillStyle = "#000000";
    context.strokeText(String(label), x / n, y / n);
    context.fillText(String(label), x / n, y / n);
  }
}

function drawCross(context, x, y, width, height) {
  const gap = 7;
  const lines = [[x, 0, x, y - gap], [x, y + gap, x, height], [0, y, x - gap, y], [x + gap, y, width, y]];
  // light on dark and dark on light: seen on every background
  for (const [style, wide] of [["rgba(255, 255, 255, 0.75)", 3], ["#00695c", 1.25]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    for (const [x1, y1, x2, y2] of lines) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
  }
}

function drawCircle(context, x, y, radius) {
  for (const [style, dash] of [["#000000", []], ["#ffffff", [6, 5]]]) {
    context.strokeStyle = style;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
}
