// Numbers as people read them, rounded so that what they claim stays true. No DOM.

const MINUS = "\u2212";
const NO_BREAK = "\u00a0";

/** 35676 -> "35,676" */
export function count(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A lower bound on a proportion, rounded down; more than three decimals where these are 0. */
export function proportion(part, whole) {
  if (part <= 0 || whole <= 0) return "0";
  let decimals = 3;
  while (Math.floor((part * 10 ** decimals) / whole) === 0) decimals++;
  const scaled = String(Math.floor((part * 10 ** decimals) / whole)).padStart(decimals + 1, "0");
  return `${scaled.slice(0, -decimals)}.${scaled.slice(-decimals)}`;
}

/** A number with a real minus sign; what rounds to 0 has none. */
export function signed(number, decimals = 2) {
  const text = Math.abs(number).toFixed(decimals);
  return number < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** Coordinates in mm with one decimal. */
export function position(mm) {
  return mm.map((x) => signed(x, 1)).join(", ");
}

export function volume(mm3) {
  return mm3 < 100000 ? `${count(mm3)}${NO_BREAK}mm³` : `${count(mm3 / 1000)}${NO_BREAK}cm³`;
}

export function percent(share) {
  return `${Number((100 * share).toPrecision(6))}${NO_BREAK}%`;
}

export function numberOf(n, singular, plural = `${singular}s`) {
  return `${count(n)} ${n === 1 ? singular : plural}`;
}

/** The z value of a voxel from its height, to two decimals; exact, as no thousandth is astride. */
export function zOf(height, positive) {
  const rounded = Math.round((height + 0.5) / 10) / 100;
  return positive ? rounded : -rounded;
}

const SIDES = {
  "two-sided": "two-sided tests",
  greater: `one-sided tests, z${NO_BREAK}>${NO_BREAK}0`,
  less: `one-sided tests, z${NO_BREAK}<${NO_BREAK}0`,
};

/** The condition that the voxels of a cluster meet: |z| > 3.1, z > 3.1 or z < -3.1. */
export function beyond(alternative, threshold) {
  const text = String(threshold / 1000);
  return { "two-sided": `|z| > ${text}`, greater: `z > ${text}`, less: `z < ${MINUS}${text}` }[alternative];
}

export function conditionOf(alternative, cut) {
  return cut.kind === "height" ? beyond(alternative, cut.value) : `TDP ≥ ${cut.value / 1000}`;
}

/** What may be said of a cluster, as a sentence for a paper. */
export function sentence(facts, cluster) {
  const where = cluster.region ? ` (${cluster.region})` : "";
  const bound = cluster.found > 0
    ? `at least ${numberOf(cluster.found, "voxel")} ${cluster.found === 1 ? "is" : "are"} active `
      + `(TDP ≥${NO_BREAK}${proportion(cluster.found, cluster.voxels)})`
    : "no voxel can be claimed to be active (TDP ≥\u00a00)";
  const sides = facts.signed ? SIDES[facts.alternative] : "F test";
  return `In this cluster of ${numberOf(cluster.voxels, "voxel")} (${volume(cluster.volume)}), `
    + `whose peak is z${NO_BREAK}=${NO_BREAK}${signed(cluster.z)} at (${position(cluster.mm)}) mm${where}, ${bound}, `
    + `with ${percent(facts.confidence)} confidence, simultaneous over all sets of the `
    + `${count(facts.n_features)} voxels in the mask (${facts.bounds_by}, ${sides}).`;
}
