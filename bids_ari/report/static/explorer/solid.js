// The 3-D view: a button, and what it opens.
import { decodeBase64, decompress } from "./unpack.js";
import { toMm, nearestVoxel } from "./grid.js";
import { fieldOfView, pixelsOfClusters } from "./slices.js";
import { colorsOfCubes, firstOnRay, lineOfSight, makeCubes } from "./cubes.js";
import { openNiivue } from "./niivue.js";
import { begun } from "./main.js";
import { numberOf, position } from "./words.js";

const PAINTED_AFTER = 60; // ms of rest: a slider moves the slices first
const STEP = 10; // degrees for each key
const PER_PIXEL = 0.5; // degrees
const CLICK = 4; // pixels that a pointer may stray in a click

function createSolid(view, root) {
  const find = (name) => root.querySelector(`[data-solid="${name}"]`);
  const [button, stage] = [find("button"), find("stage")];
  const figure = document.getElementById("ex-solid");
  const note = document.getElementById("ex-solid-note");
  if (!hasWebGl2()) {
    button.disabled = true;
    note.textContent = "It needs WebGL 2, which this browser does not offer here.";
    return;
  }
  let shown = null;
  let opening = false;
  const close = () => {
    shown?.close();
    shown = null;
    stage.replaceChildren();
    figure.hidden = true;
    delete figure.dataset.ready;
    button.setAttribute("aria-expanded", "false");
  };
  button.addEventListener("click", async () => {
    if (opening) return;
    if (shown) {
      close();
      return;
    }
    opening = true;
    figure.hidden = false;
    button.setAttribute("aria-expanded", "true");
    note.textContent = "Opening …";
    await nextPicture(); // which says so
    try {
      shown = await openSolid(view, stage);
      find("edge").textContent = String(shown.edge);
      note.textContent = "";
      figure.dataset.ready = "";
      figure.scrollIntoView({ block: "nearest" });
    } catch (error) {
      close();
      note.textContent = `It could not start (${error.message}).`;
    }
    opening = false;
  });
  view.state.onChange(() => shown?.changed());
}

async function openSolid(view, stage) {
  const { grid, state } = view;
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  stage.replaceChildren(canvas);
  const cubes = makeCubes(view, fieldOfView(view));
  const library = async () => {
    const packed = document.getElementById("ex-library").textContent;
    return new TextDecoder().decode(await decompress(decodeBase64(packed.trim())));
  };
  const viewer = await openNiivue(library, canvas, cubes);
  let colors = null;
  let timer = 0;
  let closed = false;
  const draw = () => {
    if (closed) return;
    canvas.setAttribute("aria-label", inWords(view));
    const next = colorsOfCubes(view, cubes, pixelsOfClusters(view));
    const same = colors?.every((color, i) => color === next[i]);
    if (!same) colors = next;
    viewer.show(toMm(grid, state.voxel), same ? null : colors);
  };
  draw();
  followPointer(canvas, viewer, (point) => {
    const [from, to] = lineOfSight(viewer.matrix(), point);
    const mm = firstOnRay(cubes, colors, from, to);
    if (mm) view.moveTo(nearestVoxel(grid, mm));
  });
  return {
    edge: cubes.step,
    changed() {
      clearTimeout(timer);
      // after the slices, which write the clusters to their voxels before they are drawn
      timer = setTimeout(() => requestAnimationFrame(draw), PAINTED_AFTER);
    },
    close() {
      closed = true;
      viewer.close();
    },
  };
}

function followPointer(canvas, viewer, click) {
  let last = null;
  let strayed = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = [event.clientX, event.clientY];
    strayed = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const moved = [event.clientX - last[0], event.clientY - last[1]];
    strayed += Math.hypot(...moved);
    if (strayed <= CLICK) return;
    last = [event.clientX, event.clientY];
    viewer.turn(-PER_PIXEL * moved[0], PER_PIXEL * moved[1]);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (last && strayed <= CLICK) {
      const frame = canvas.getBoundingClientRect();
      click([
        (2 * (event.clientX - frame.left)) / frame.width - 1,
        1 - (2 * (event.clientY - frame.top)) / frame.height,
      ]);
    }
    last = null;
  });
  canvas.addEventListener("pointercancel", () => { last = null; });
  const keys = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    viewer.turn(...keys[event.key]);
  });
}

function inWords({ grid, state }) {
  return `3-D view of ${numberOf(state.shown().length, "cluster")}, the cross-hair at `
    + `(${position(toMm(grid, state.voxel))}) mm. Arrow keys turn it.`;
}

function hasWebGl2() {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}

function nextPicture() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

if (begun) begun.then((view) => createSolid(view, document.getElementById("explorer")));
