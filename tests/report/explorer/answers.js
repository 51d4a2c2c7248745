// Answers the questions in a file of JSON with the modules of the explorer: deno or node runs it.
import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

const [folder, questions] = argv.slice(2);
const load = (name) => import(`${folder}/${name}.js`);
const [unpacking, query, grids, words, hashes, states, exports] = await Promise.all(
  ["unpack", "query", "grid", "words", "hash", "state", "export"].map(load));

async function open({ packed, facts }) {
  const arrays = await unpacking.unpack(packed.text, packed.arrays);
  const forest = query.plant(arrays);
  const grid = grids.makeGrid(facts, arrays.mask);
  return { forest, grid, placeAt: grids.placesInVolume(grid, forest.placeOf) };
}

const features = ({ forest }, places) => Array.from(places, (place) => forest.feature[place]);

/** Everything that can be asked of a forest, for the thresholds, goals and sets given. */
function askForest(view, { thresholds, goals, sets, spheres, every }) {
  const { forest, grid, placeAt } = view;
  const nodes = Array.from({ length: forest.n }, (_, k) => k);
  const peak = (k) => forest.feature[forest.peak[k]];
  const answers = {
    size: Array.from(forest.size),
    bound: nodes.map((k) => (every ? query.boundOf(forest, query.placesOf(forest, k)) : forest.found[k])),
    found: Array.from(forest.found),
    parent: Array.from(forest.parent),
    height: Array.from(forest.height),
    above: thresholds.map((one) => query.clustersAbove(forest, one)),
    peaks: thresholds.map((one) => query.clustersAbove(forest, one).map(peak)),
    reaching: goals.map((one) => query.clustersReaching(forest, one / 1000)),
    sets: sets.map((set) => query.boundOf(forest, set.map((feature) => forest.placeOf[feature]))),
    spheres: spheres.map(({ centre, radius }) =>
      features(view, grids.placesInSphere(grid, placeAt, centre, radius)).sort((a, b) => a - b)),
  };
  if (!every) return answers;
  const proper = nodes.filter((k) => !forest.tied[k]);
  return {
    ...answers,
    tied: Array.from(forest.tied),
    split: proper.map((k) => query.split(forest, k)),
    merge: proper.map((k) => query.merge(forest, k)),
    paths: Array.from(forest.placeOf, (place) => query.pathOf(forest, place)),
    gradient: Array.from(forest.placeOf, (place) => query.gradientAt(forest, place)),
  };
}

/** Follow some steps through the states of the explorer. */
function follow({ forest }, { cut, steps }) {
  const state = states.createState(forest, cut);
  state.restore({ cut });
  return steps.map(([name, ...values]) => {
    state[name](...values);
    return { nodes: [...state.nodes], selected: state.selected, edited: state.edited, cut: state.cut };
  });
}

const answer = {
  forest: async (one) => askForest(await open(one), one),
  follow: async (one) => follow(await open(one), one),
  words: async ({ name, values }) => values.map((value) => words[name](...value)),
  hash: async ({ values }) => values.map((value) => hashes.fromHash(value)),
  toHash: async ({ state, mm }) => hashes.toHash(state, mm),
  nifti: async (one) => {
    const { grid } = await open(one);
    const file = exports.toNifti(grid, one.facts.xform, (index) => one.labels[index]);
    return Array.from(new Uint8Array(file));
  },
  csv: async ({ clusters }) => exports.toCsv(clusters),
  orientation: async (one) => {
    const { grid } = await open(one);
    return { axes: grid.axes, voxels: one.mm.map((mm) => grids.nearestVoxel(grid, mm)), volume: grid.voxelVolume };
  },
};

const answers = [];
for (const one of JSON.parse(readFileSync(questions, "utf8"))) answers.push(await answer[one.ask](one));
stdout.write(JSON.stringify(answers));
