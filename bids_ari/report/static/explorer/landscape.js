// The forest in one picture: width is voxels, height is the threshold, colour is the bound on the TDP.
import { clustersAbove, largestFirst } from "./query.js";
import { colorOfTdp, toPixel } from "./colors.js";
import { signed } from "./words.js";
import { inkOf, prepare } from "./chart.js";

const ROW = 104; // pixels of CSS for each sign
const AXIS = 26;
const GAP = 5;
const MOST_ROOTS = 40;

export function createLandscape(view, canvas) {
  const { forest, facts, state } = view;
  const signs = facts.alternative === "two-sided" ? [1, 0] : [facts.alternative === "less" ? 0 : 1];
  const css = signs.length * ROW + (signs.length - 1) * GAP;
  canvas.style.height = `${css}px`;
  let picture = null;

  const rowOf = (sign) => signs.indexOf(sign) * (ROW + GAP);
  const yOf = (height, sign) => rowOf(sign) + ROW * (1 - (height - facts.floor) / (picture.top - facts.floor));

  canvas.addEventListener("click", (event) => {
    if (!picture) return;
    const frame = canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - frame.left) * picture.scale);
    const y = Math.floor((event.clientY - frame.top) * picture.scale);
    const k = picture.nodeAt[y * picture.width + x] ?? -1;
    if (k >= 0) view.take(k);
  });

  return {
    draw() {
      const { context, width, scale } = prepare(canvas, css);
      if (width === 0) return; // not laid out yet: drawn when it gets a size
      if (!picture || picture.width !== Math.round(width * scale)) {
        picture = paint(view, signs, rowOf, width, css, scale);
      }
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.putImageData(picture.image, 0, 0);
      context.restore();
      const ink = inkOf(canvas);
      context.font = "12px system-ui, sans-serif";
      for (const sign of signs) drawAxis(context, sign, width, ink);
      for (const k of state.shown()) mark(context, k);
    },
  };

  function drawAxis(context, sign, width, ink) {
    context.lineWidth = 1;
    const unit = 1000;
    for (let q = Math.ceil((facts.floor + 1) / unit) * unit; q < picture.top; q += unit) {
      const y = Math.round(yOf(q, sign)) + 0.5;
      context.strokeStyle = ink;
      context.globalAlpha = 0.18;
      line(context, AXIS, y, width, y);
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(signed(sign ? q / unit : -q / unit, 0), AXIS - 6, y);
    }
    if (!state.edited && state.cut.kind === "height" && state.cut.value >= facts.floor) {
      const y = yOf(state.cut.value, sign);
      context.strokeStyle = ink;
      context.lineWidth = 1.5;
      context.setLineDash([4, 3]);
      line(context, AXIS, y, width, y);
      context.setLineDash([]);
    }
  }

  /** Where a cluster that is shown stands; those below the picture stand at its foot. */
  function mark(context, k) {
    const span = picture.spanOf(k);
    if (!span) return;
    const [left, right] = span;
    const wide = Math.max(3, right - left);
    const half = k === state.selected ? 4 : 1;
    const foot = rowOf(forest.positive[k]) + ROW - half - 1;
    const y = Math.min(yOf(forest.height[k], forest.positive[k]), foot);
    // dark on light, as the picture and the page may be of any colour
    context.fillStyle = "#ffffff";
    context.fillRect(left - 1, y - half - 1, wide + 2, 2 * half + 2);
    context.fillStyle = "#000000";
    context.fillRect(left, y - half, wide, 2 * half);
    if (half === 1) return;
    context.fillStyle = "#ffffff";
    context.fillRect(left + 1.5, y - half + 1.5, wide - 3, 2 * half - 3);
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** The largest clusters of each sign at the foot of the picture; those with a discovery, if any. */
function chooseRoots({ forest, facts }, signs) {
  const all = clustersAbove(forest, facts.floor);
  const withDiscovery = all.filter((k) => forest.found[k] > 0);
  const roots = (withDiscovery.length ? withDiscovery : all);
  return signs.map((sign) => largestFirst(forest, roots.filter((k) => forest.positive[k] === sign)).slice(0, MOST_ROOTS));
}

/** Paint each cluster between the threshold where it is whole and that where it grows. */
function paint(view, signs, rowOf, cssWidth, cssHeight, scale) {
  const { forest, facts } = view;
  const { start, height, parent, found, size } = forest;
  const width = Math.round(cssWidth * scale);
  const image = new ImageData(width, Math.round(cssHeight * scale));
  const pixels = new Uint32Array(image.data.buffer);
  const nodeAt = new Int32Array(pixels.length).fill(-1);
  const roots = chooseRoots(view, signs);
  const top = Math.max(forest.highest, facts.floor + 500) * 1.02;
  const perVoxel = Math.min(...roots.map((of) => (cssWidth - AXIS - GAP * Math.max(0, of.length - 1))
    / Math.max(1, of.reduce((sum, k) => sum + size[k], 0))));
  const rootAt = []; // [root, its left edge], by root
  const rowHeight = ROW * scale;
  roots.forEach((of, i) => {
    let x = AXIS;
    for (const root of of) {
      rootAt.push([root, x]);
      paintRoot(root, x, Math.round(rowOf(signs[i]) * scale));
      x += size[root] * perVoxel + GAP;
    }
  });
  rootAt.sort((a, b) => a[0] - b[0]);

  function paintRoot(root, left, rowTop) {
    // the threshold of row r, from the top of the picture down
    const rowsAbove = (q) => Math.ceil(((top - q) / (top - facts.floor)) * rowHeight - 0.5);
    for (let k = root; k >= start[root]; k--) {
      const low = k === root ? facts.floor : Math.max(facts.floor, height[parent[k]]);
      const first = Math.max(0, rowsAbove(height[k]));
      const last = Math.min(Math.round(rowHeight), rowsAbove(low));
      if (first >= last) continue; // it is gone before the next row
      const from = Math.floor((left + (start[k] - start[root]) * perVoxel) * scale);
      const to = Math.max(from + 1, Math.round((left + (k + 1 - start[root]) * perVoxel) * scale));
      const color = toPixel(colorOfTdp(facts.colours, found[k], size[k]));
      for (let row = first; row < last; row++) {
        const at = (rowTop + row) * width;
        pixels.fill(color, at + from, at + Math.min(to, width));
        nodeAt.fill(k, at + from, at + Math.min(to, width));
      }
    }
  }

  return {
    image, nodeAt, width, scale, top,
    /** Left and right edge of a cluster; null if it is in none of those painted. */
    spanOf(k) {
      // a larger cluster than the roots spans all of its roots that are painted
      const inside = rootAt.filter(([root]) => (k <= root && k >= start[root]) || (root <= k && root >= start[k]));
      if (!inside.length) return null;
      const [root, left] = inside[0];
      if (k <= root) {
        return [left + (start[k] - start[root]) * perVoxel, left + (k + 1 - start[root]) * perVoxel];
      }
      return [
        Math.min(...inside.map(([, x]) => x)),
        Math.max(...inside.map(([one, x]) => x + size[one] * perVoxel)),
      ];
    },
  };
}
