// The 3-D view: a button, and what it opens.
import { decodeBase64, decompress } from "./unpack.js";
import { toMm, nearestVoxel } from "./grid.js";
import { fieldOfView, pixelsOfClusters } from "./slices.js";
import { colorsOfCubes, firstOnRay, lineOfSight, makeCubes } from "./cubes.js";
import { openNiivue } from "./niivue.js";
import { started } from "./main.js";
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
  let wanted = false;
  const close = () => {
    shown?.close();
    shown = null;
    stage.replaceChildren();
    figure.hidden = true;
    delete figure.dataset.ready;
  };
  button.addEventListener("click", async () => {
    wanted = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    note.textContent = "";
    if (!wanted) {
      close();
      return;
    }
    figure.hidden = false;
    note.textContent = "Opening …";
    await nextPicture(); // which says so
    try {
      const opened = await openSolid(view, stage);
      if (!wanted || !stage.contains(opened.canvas)) { // closed again before it was there
        opened.close();
        return;
      }
      shown = opened;
      find("edge").textContent = String(opened.step);
      note.textContent = "";
      figure.dataset.ready = "";
    } catch (error) {
      wanted = false;
      button.setAttribute("aria-expanded", "false");
      note.textContent = `The 3-D view could not start (${error.message}).`;
      close();
    }
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
  const draw = () => {
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
    canvas,
    step: cubes.step,
    changed() {
      clearTimeout(timer);
      // after the slices, which write the clusters to their voxels before they are drawn
      timer = setTimeout(() => requestAnimationFrame(draw), PAINTED_AFTER);
    },
    close() {
      clearTimeout(timer);
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

if (started) started.then((view) => createSolid(view, document.getElementById("explorer")));
