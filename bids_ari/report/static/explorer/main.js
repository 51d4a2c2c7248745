// Puts the parts together; the page is complete without, and stays so if anything fails here.
import { canUnpack, unpack } from "./unpack.js";
import { holds, plant } from "./query.js";
import { indexOf, makeGrid, nearestVoxel, placesInVolume, toMm } from "./grid.js";
import { describe, voxelOfPlace } from "./facts.js";
import { fromHash, toHash } from "./hash.js";
import { createState } from "./state.js";
import { pixelsOfZ } from "./colors.js";
import { loadBrain } from "./brain.js";
import { createSlices } from "./slices.js";
import { createLandscape } from "./landscape.js";
import { createPath } from "./path.js";
import { createTable } from "./table.js";
import { createCard } from "./card.js";
import { createControls } from "./controls.js";
import { drawForPaper } from "./chart.js";
import { numberOf, proportion } from "./words.js";

const SAID_AFTER = 600; // ms of rest before a screen reader is told
const KEPT_AFTER = 250; // ms of rest before the address changes; browsers refuse too many changes

async function start(section, root) {
  const text = (id) => document.getElementById(id).textContent;
  const facts = JSON.parse(text("ex-facts"));
  const [arrays, brain] = await Promise.all([
    unpack(text("ex-data"), facts.arrays),
    loadBrain(facts.sprite),
  ]);
  const forest = plant(arrays);
  const grid = makeGrid(facts, arrays.mask);
  const state = createState(forest, { kind: "height", value: facts.height });
  const view = {
    facts, forest, grid, brain, state,
    placeAt: placesInVolume(grid, forest.placeOf),
    labelAt: new Int32Array(forest.feature.length),
    pixelsOfZ: pixelsOfZ(facts.colours, facts.floor, forest.highest),
    parcellations: facts.parcellations.map((one, i) => ({
      ...one, labels: forest.feature.map((feature) => arrays[`labels${i}`][feature]), // by place
    })),
    /** Move the cross-hair; a cluster that is there is selected. */
    moveTo(voxel) {
      state.voxel = voxel;
      const place = view.placeAt[indexOf(grid, voxel)];
      const here = state.shown().find((k) => place >= 0 && holds(forest, k, place));
      if (here !== undefined) state.selected = here;
      state.changed();
    },
    /** Select a cluster, and move the cross-hair to its peak. */
    show(k) {
      state.selected = k;
      view.goToSelected();
    },
    /** Take a cluster in place of what it holds or is part of, and go there. */
    take(k, gesture) {
      state.take(k, gesture);
      view.goToSelected();
    },
    goToSelected() {
      if (state.selected >= 0) state.voxel = voxelOfPlace(view, forest.peak[state.selected]);
      state.changed();
    },
  };
  root.hidden = false; // before anything is measured
  document.getElementById("ex-problem").hidden = true;
  const parts = createParts(view, root);
  connect(view, root, parts);
  restore(view, location.hash) || restore(view, "");
  section.dataset.ready = "";
  return view;
}

function createParts(view, root) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const charts = [
    createLandscape(view, find("landscape")),
    createPath(view, find("path"), find("path-range"), find("path-value")),
  ];
  const parts = [
    createSlices(view, find("slices")),
    createTable(view, find("table")),
    createCard(view, find("card")),
    createControls(view, root),
    ...charts,
  ];
  return { parts, charts };
}

function connect(view, root, { parts, charts }) {
  const { state } = view;
  let painted = [];
  let waiting = 0;
  const draw = () => {
    waiting = 0;
    painted = paintLabels(view, painted);
    for (const part of parts) part.draw();
  };
  const say = afterRest(SAID_AFTER, () => {
    root.querySelector('[data-part="live"]').textContent = inShort(view);
  });
  const keep = afterRest(KEPT_AFTER, () => {
    try {
      history.replaceState(null, "", toHash(state, toMm(view.grid, state.voxel)));
    } catch {
      // pages in a sandbox may not change their address; everything else works
    }
  });
  let first = true;
  state.onChange(() => {
    if (first) { // at once, and nothing is said or kept of what nobody did
      first = false;
      draw();
      return;
    }
    waiting ||= requestAnimationFrame(draw); // several steps may come before the next picture
    say();
    keep();
  });
  const redraw = () => charts.forEach((chart) => chart.draw());
  new ResizeObserver(redraw).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => { drawForPaper(true); redraw(); });
  addEventListener("afterprint", () => { drawForPaper(false); redraw(); });
  addEventListener("hashchange", () => restore(view, location.hash));
}

/** Write the number of each cluster to its voxels, 0 to those of clusters that were there before. */
function paintLabels({ forest, labelAt, state }, before) {
  for (const k of before) labelAt.fill(0, forest.start[k], k + 1);
  const shown = [...state.shown()];
  shown.forEach((k, i) => labelAt.fill(i + 1, forest.start[k], k + 1));
  return shown;
}

/** Begin with what an address says; false if it says nothing of the explorer. */
function restore(view, hash) {
  const { facts, grid, state } = view;
  const wanted = hash ? fromHash(hash) : { cut: { kind: "height", value: facts.height }, at: null };
  if (!wanted) return false;
  state.selected = -1;
  state.restore(wanted);
  if (wanted.at) view.moveTo(nearestVoxel(grid, wanted.at));
  else view.goToSelected();
  if (hash) document.getElementById("explore").scrollIntoView();
  return true;
}

function afterRest(ms, act) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };
}

/** What changed, for those who do not see it. */
function inShort(view) {
  const { state } = view;
  const shown = state.shown();
  const clusters = numberOf(shown.length, "cluster");
  if (state.selected < 0) return `${clusters}.`;
  const { found, voxels } = describe(view, state.selected);
  const number = shown.indexOf(state.selected) + 1;
  return `${clusters}. Cluster ${number || "that is hidden"} is selected: at least ${found} of `
    + `${numberOf(voxels, "voxel")} active, TDP at least ${proportion(found, voxels)}.`;
}

const section = document.getElementById("explore");
const problem = (words) => {
  const note = document.getElementById("ex-problem");
  note.textContent = words;
  note.hidden = false;
  document.getElementById("explorer").hidden = true;
};
export const begun = canUnpack()
  ? start(section, document.getElementById("explorer")).catch((error) => {
    problem(`The explorer could not start (${error}). The maps above and the tables below are complete without it.`);
    throw error; // for the console
  })
  : problem("This browser is too old for the explorer. The maps above and the tables below are complete without it.");
