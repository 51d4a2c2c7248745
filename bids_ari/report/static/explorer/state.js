// What is looked at: some disjoint clusters, one of them selected, a voxel. No DOM.
import { clustersAbove, clustersReaching, holds, largestFirst, merge, split } from "./query.js";

const MOST_STEPS = 200; // that can be undone

/**
 * The state of the explorer. `cut` says how the clusters were chosen: `{kind: "height", value}` in
 * thousandths of z, or `{kind: "tdp", value}` in thousandths; `edited` that they were changed by hand
 * afterwards. Whoever changes anything else than through these functions calls `changed()`.
 */
export function createState(forest, cut) {
  const state = {
    cut, edited: false, nodes: [], selected: -1,
    voxel: [0, 0, 0], colour: "tdp", onlyFound: false, sphere: false, radius: 10, atlas: 0,
  };
  const past = [];
  const listeners = [];
  let gesture = "";

  const changed = () => listeners.forEach((listener) => listener());
  const remember = (name) => {
    // the steps of one drag of a slider are undone together
    if (name && name === gesture) return;
    gesture = name;
    const { cut: before, edited, nodes, selected } = state;
    past.push({ cut: before, edited, nodes, selected });
    if (past.length > MOST_STEPS) past.shift();
  };
  const query = () => {
    const { kind, value } = state.cut;
    return kind === "height" ? clustersAbove(forest, value) : clustersReaching(forest, value / 1000);
  };
  const keepSelected = (before) => {
    if (state.nodes.includes(before)) return;
    const peak = before < 0 ? -1 : forest.peak[before];
    const same = state.nodes.find((k) => peak >= 0 && holds(forest, k, peak));
    state.selected = same ?? state.nodes[0] ?? -1;
  };
  const replace = (nodes) => {
    const apart = (k) => nodes.every((one) => !holds(forest, one, k) && !holds(forest, k, one));
    state.nodes = largestFirst(forest, [...state.nodes.filter(apart), ...nodes]);
    state.edited = true;
    [state.selected] = nodes;
    changed();
  };

  return Object.assign(state, {
    onChange: (listener) => listeners.push(listener),
    changed,
    /** Choose clusters anew; `name` is that of a gesture with several steps. */
    choose(next, name = "") {
      remember(name);
      const before = state.selected;
      Object.assign(state, { cut: next, edited: false });
      state.nodes = query();
      keepSelected(before);
      changed();
    },
    settle() { gesture = ""; },
    select(k) {
      if (k === state.selected) return;
      state.selected = k;
      gesture = "";
      changed();
    },
    /** Take a cluster, in place of all that it holds or is part of. */
    take(k, name = "") {
      if (state.nodes.includes(k)) { state.select(k); return; }
      remember(name);
      replace([k]);
    },
    parts: () => (state.selected < 0 ? [] : split(forest, state.selected)),
    whole: () => (state.selected < 0 ? -1 : merge(forest, state.selected)),
    split() {
      const nodes = state.parts();
      if (!nodes.length) return;
      remember("");
      replace(nodes);
    },
    merge() {
      const k = state.whole();
      if (k < 0) return;
      remember("");
      replace([k]);
    },
    canUndo: () => past.length > 0,
    undo() {
      if (!past.length) return;
      gesture = "";
      Object.assign(state, past.pop());
      changed();
    },
    /** Take what an address asks for, and tell nobody yet; unknown clusters are left out. */
    restore({ cut: next, nodes }) {
      Object.assign(state, { cut: next, edited: false });
      state.nodes = query();
      const disjoint = (nodes ?? []).filter((k, i, all) => k >= 0 && k < forest.n && !forest.tied[k]
        && all.every((one, j) => i === j || !(holds(forest, one, k) || holds(forest, k, one))));
      if (disjoint.length) {
        state.nodes = largestFirst(forest, disjoint);
        state.edited = true;
      }
      keepSelected(state.selected);
    },
    /** The clusters that are drawn and listed; a cluster's number is its place here, from 1. */
    shown: () => (state.onlyFound ? state.nodes.filter((k) => forest.found[k] > 0) : state.nodes),
  });
}
