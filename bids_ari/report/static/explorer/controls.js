// How clusters are chosen and drawn, what is under the cross-hair, and files to keep.
import { describe, describeSphere, describeVoxel } from "./facts.js";
import { toCsv, toNifti } from "./export.js";
import { toMm } from "./grid.js";
import { count, position, proportion, signed } from "./words.js";

export function createControls(view, root) {
  const { facts, forest, state } = view;
  const find = (name) => root.querySelector(`[data-control="${name}"]`);
  const kinds = { height: find("by-height"), tdp: find("by-tdp") };
  const sliders = { height: find("height"), tdp: find("tdp") };
  const fields = { height: find("height-number"), tdp: find("tdp-number") };
  const decimals = { height: 2, tdp: 3 };
  const highest = Math.ceil(forest.highest / 10) / 100;
  for (const input of [sliders.height, fields.height]) input.max = String(highest);
  find("statistic").textContent = facts.alternative === "two-sided" ? "|z|" : facts.alternative === "less" ? "−z" : "z";

  const value = (input) => Math.round(1000 * Number(input.value));
  const last = { height: facts.height, tdp: facts.goal };
  for (const kind of ["height", "tdp"]) {
    kinds[kind].addEventListener("change", () => state.choose({ kind, value: last[kind] }));
    sliders[kind].addEventListener("input", () => {
      state.choose({ kind, value: value(sliders[kind]) }, kind);
    });
    sliders[kind].addEventListener("change", () => state.settle());
    fields[kind].addEventListener("change", () => {
      const { min, max } = fields[kind];
      const wanted = fields[kind].value === "" ? last[kind] : value(fields[kind]);
      const limited = Math.min(Math.max(wanted, 1000 * Number(min)), Math.round(1000 * Number(max)));
      state.choose({ kind, value: limited });
    });
  }
  find("colour").addEventListener("change", (event) => {
    state.colour = event.target.value;
    state.changed();
  });
  find("only-found").addEventListener("change", (event) => {
    state.onlyFound = event.target.checked;
    state.changed();
  });
  find("sphere").addEventListener("change", (event) => {
    state.sphere = event.target.checked;
    state.changed();
  });
  find("radius").addEventListener("input", (event) => {
    state.radius = Number(event.target.value);
    state.sphere = true;
    state.changed();
  });
  find("csv").addEventListener("click", () => saveTable(view));
  find("nifti").addEventListener("click", () => saveLabels(view));

  return {
    draw() {
      const { kind } = state.cut;
      last[kind] = state.cut.value;
      kinds[kind].checked = true;
      for (const one of ["height", "tdp"]) {
        const text = (last[one] / 1000).toFixed(decimals[one]);
        if (document.activeElement !== sliders[one]) sliders[one].value = text;
        if (document.activeElement !== fields[one] || one === kind) fields[one].value = text;
      }
      find("colour").value = state.colour;
      find("only-found").checked = state.onlyFound;
      find("sphere").checked = state.sphere;
      find("radius").value = String(state.radius);
      find("radius-value").textContent = `${state.radius} mm`;
      for (const legend of root.querySelectorAll("[data-legend]")) legend.hidden = legend.dataset.legend !== state.colour;
      find("voxel").textContent = readout(view);
      find("sphere-bound").textContent = state.sphere ? sphereText(view) : "";
    },
  };
}

/** What is under the cross-hair, in words. */
function readout(view) {
  const { grid, state } = view;
  const where = `At (${position(toMm(grid, state.voxel))}) mm`;
  const voxel = describeVoxel(view);
  if (!voxel) return `${where}: outside of the mask.`;
  const region = voxel.region ? `, ${voxel.region}` : "";
  const cluster = voxel.number ? `in cluster ${voxel.number}` : "in no cluster shown";
  // rounded down as any bound; the sum is for what a double is short of by a hair
  const best = Math.floor(voxel.gradient * 1000 + 1e-9) / 1000;
  const bound = voxel.gradient > 0
    ? `the largest TDP of any cluster that holds this voxel is ≥ ${best.toFixed(3)}`
    : "no cluster that holds this voxel has a discovery";
  return `${where}: z = ${signed(voxel.z)}${region}, ${cluster}; ${bound}.`;
}

function sphereText(view) {
  const { voxels, found } = describeSphere(view);
  const radius = `Sphere of ${view.state.radius} mm around the cross-hair: `;
  if (voxels === 0) return `${radius}no voxel of the mask.`;
  return `${radius}at least ${count(found)} of ${count(voxels)} voxels are active `
    + `(TDP ≥ ${proportion(found, voxels)}). Any set may be bounded, wherever it came from.`;
}

function saveTable(view) {
  const clusters = view.state.shown().map((k, i) => describe(view, k, i + 1));
  const name = `${view.facts.stem}_desc-explored_clusters.csv`;
  save(new Blob([toCsv(clusters)], { type: "text/csv" }), name);
}

async function saveLabels(view) {
  const { facts, grid, labelAt, placeAt } = view;
  const labelOf = (index) => (placeAt[index] < 0 ? 0 : labelAt[placeAt[index]]);
  const file = new Blob([toNifti(grid, facts.xform, labelOf)]);
  const smaller = file.stream().pipeThrough(new CompressionStream("gzip"));
  save(await new Response(smaller).blob(), `${facts.stem}_desc-explored_dseg.nii.gz`);
}

function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
