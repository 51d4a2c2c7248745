// Answers the questions in a file of JSON with the modules of the explorer: deno or node runs it.
import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

const [folder, questions] = argv.slice(2);
const load = (name) => import(`${folder}/${name}.js`);
const [unpacking, query, grids, words, hashes, states, exports, cubes] = await Promise.all(
  ["unpack", "query", "grid", "words", "hash", "state", "export", "cubes"].map(load));

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
  cubes: async ({ box, brain = null, ...one }) => {
    const made = cubes.makeCubes({ ...(await open(one)), brain }, box);
    return { ...made, places: Array.from(made.places), shades: Array.from(made.shades) };
  },
  colors: async ({ cuts, colour, fills, selected, ...one }) => {
    const { forest, grid, placeAt } = await open(one);
    const nodes = query.clustersAbove(forest, cuts);
    const labelAt = new Int32Array(forest.feature.length);
    nodes.forEach((k, i) => labelAt.fill(i + 1, forest.start[k], k + 1));
    const steps = (first) => Uint32Array.from({ length: 65536 }, (_, height) => first + height);
    const view = {
      forest, grid, placeAt, labelAt, brain: null,
      state: { colour, shown: () => nodes },
      pixelsOfZ: { positive: steps(0), negative: steps(0x100000) },
    };
    const made = cubes.makeCubes(view, one.box);
    const fill = Uint32Array.from({ length: nodes.length + 1 }, (_, i) => fills + i);
    return { shape: made.shape, colors: Array.from(cubes.colorsOfCubes(view, made, { fill, selected })) };
  },
  ray: async ({ cubes: space, colors, from, to }) => cubes.firstOnRay(space, colors, from, to),
  sight: async ({ matrix, points }) => points.map((point) => cubes.lineOfSight(matrix, point)),
};

const answers = [];
for (const one of JSON.parse(readFileSync(questions, "utf8"))) answers.push(await answer[one.ask](one));
stdout.write(JSON.stringify(answers));
