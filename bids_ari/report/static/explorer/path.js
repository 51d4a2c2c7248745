// The clusters around one peak, from threshold to threshold: their TDP and their size.
import { pathOf } from "./query.js";
import { inkOf, prepare } from "./chart.js";

const HEIGHT = 150;
const LEFT = 30;
const RIGHT = 44;
const TOP = 8;
const BOTTOM = 22;
const TDP = "#2a7fc9"; // seen on light and on dark

export function createPath(view, canvas, range, output) {
  const { forest, facts, state } = view;
  canvas.style.height = `${HEIGHT}px`;
  let path = [];
  let peak = -1;

  /** The cluster around the peak at a threshold. */
  const at = (threshold) => {
    let [low, high] = [0, path.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (forest.height[path[middle]] >= threshold) low = middle;
      else high = middle - 1;
    }
    return path[low];
  };
  range.addEventListener("input", () => {
    if (path.length) view.take(at(Math.round(1000 * Number(range.value))), "path");
  });
  range.addEventListener("change", () => state.settle());

  return {
    draw() {
      const selected = state.selected;
      const newPeak = selected < 0 ? -1 : forest.peak[selected];
      if (newPeak !== peak) {
        // dragging along the path, the peak may change where a higher one joins: the path stays
        const stays = state.edited && document.activeElement === range && path.includes(selected);
        if (!stays) {
          peak = newPeak;
          path = peak < 0 ? [] : pathOf(forest, peak);
        }
      }
      range.disabled = path.length === 0;
      const { context, width } = prepare(canvas, HEIGHT);
      if (!path.length || width === 0) return;
      const highest = forest.height[path[0]];
      const lowest = Math.max(0, Math.min(facts.floor, forest.height[selected]));
      range.min = String(lowest / 1000);
      range.max = String(highest / 1000);
      if (document.activeElement !== range) range.value = String(forest.height[selected] / 1000);
      output.textContent = (forest.height[selected] / 1000).toFixed(3);
      plot(context, width, lowest, highest);
    },
  };

  function plot(context, width, lowest, highest) {
    const { size, found, height } = forest;
    const [right, bottom] = [width - RIGHT, HEIGHT - BOTTOM];
    const x = (q) => LEFT + ((q - lowest) / Math.max(1, highest - lowest)) * (right - LEFT);
    const y = (share) => bottom - share * (bottom - TOP);
    const most = Math.max(1, Math.log10(size[at(lowest)]));
    const ink = inkOf(canvas);
    drawFrame(context, ink, { x, y, right, bottom, lowest, highest, most });
    const trace = (value, style, wide, dash) => {
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.setLineDash(dash);
      context.beginPath();
      for (let column = LEFT; column <= right; column++) {
        const q = lowest + ((column - LEFT) / Math.max(1, right - LEFT)) * (highest - lowest);
        const k = at(q);
        if (column === LEFT) context.moveTo(column, y(value(k)));
        else context.lineTo(column, y(value(k)));
      }
      context.stroke();
      context.setLineDash([]);
    };
    trace((k) => Math.log10(size[k]) / most, ink, 1, [3, 3]);
    trace((k) => found[k] / size[k], TDP, 2.25, []);
    const k = state.selected;
    const [cx, cy] = [x(height[k]), y(found[k] / size[k])];
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(cx, TOP);
    context.lineTo(cx, bottom);
    context.stroke();
    context.fillStyle = TDP;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(cx, cy, 5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }

  function drawFrame(context, ink, { x, y, right, bottom, lowest, highest, most }) {
    context.strokeStyle = ink;
    context.fillStyle = ink;
    context.font = "11px system-ui, sans-serif";
    context.globalAlpha = 0.25;
    context.strokeRect(LEFT, TOP, right - LEFT, bottom - TOP);
    context.globalAlpha = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const share of [0, 0.5, 1]) context.fillText(String(share), LEFT - 5, y(share));
    context.textAlign = "left";
    for (let power = 0; power <= most; power++) {
      context.fillText((10 ** power).toLocaleString("en-US", { notation: "compact" }), right + 5, y(power / most));
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    const every = highest - lowest > 8000 ? 2000 : 1000;
    for (let q = Math.ceil(lowest / every) * every; q <= highest; q += every) {
      context.fillText(String(q / 1000), x(q), bottom + 15);
    }
  }
}
